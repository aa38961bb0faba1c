"""Forget rows exactly, remember that they are forgotten without holding them, and list what was handed out before."""
