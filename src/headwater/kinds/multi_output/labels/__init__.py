"""Labels of several outputs, as they are validated and read from columns."""
