"""Export models as ONNX graphs with their preprocessing included."""

from .export import export_onnx

__all__ = ["export_onnx"]
