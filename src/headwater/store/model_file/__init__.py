"""The model file, a JSON header and arrays sealed with a digest."""

from .container import FORMAT, KEY, read, seal, unseal, write
from .saved import LearnerCopy, LearnerFormat, SavedModel

__all__ = ["FORMAT", "KEY", "LearnerCopy", "LearnerFormat", "SavedModel", "read", "seal", "unseal", "write"]
