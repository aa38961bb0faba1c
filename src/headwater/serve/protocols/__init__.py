"""Protocols of other tools (Open Inference Protocol v2, MLflow scoring, health checks)."""
