"""States that a cluster run publishes, and replicas that predict from them."""
