"""The kind of anomaly detection."""
