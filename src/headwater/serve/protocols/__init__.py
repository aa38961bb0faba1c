"""Protocols that other tools speak: the Open Inference Protocol v2, MLflow's scoring, health."""
