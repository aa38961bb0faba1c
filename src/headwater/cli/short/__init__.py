"""Short names of commands, such as ``headwater forecast``."""
