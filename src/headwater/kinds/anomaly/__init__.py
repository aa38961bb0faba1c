"""Anomaly detection models."""
