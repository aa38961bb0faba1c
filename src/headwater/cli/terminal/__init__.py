"""Terminal output with a progress line, and text before and after a run."""
