"""What operators see of a running server (metrics, readiness, logs, traces)."""
