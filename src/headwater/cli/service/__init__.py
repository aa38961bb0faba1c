"""Commands that run for long, such as the server and the cluster, and those for their stores."""
