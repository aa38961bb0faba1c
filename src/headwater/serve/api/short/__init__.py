"""Short addresses of single kinds, made from the verbs that the kinds declare."""
