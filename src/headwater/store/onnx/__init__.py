"""Models as ONNX graphs: what predicts now, its preprocessing inside."""

from .export import export_onnx

__all__ = ["export_onnx"]
