"""``headwater forecast``, its input rows and its output."""
