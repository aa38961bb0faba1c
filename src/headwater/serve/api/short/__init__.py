"""Short addresses of single kinds, such as those of bandits, agents and forecasters."""
