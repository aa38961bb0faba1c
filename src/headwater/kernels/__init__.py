"""The hot loops: bare loops over numbers, and the only room that knows the compiler."""
