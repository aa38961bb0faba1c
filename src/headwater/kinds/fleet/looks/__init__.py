"""Look at a fleet through its members, and at whether there should be one."""
