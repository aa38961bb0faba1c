"""Streams bundled with packages, by name as ``dataset:NAME``."""

from headwater.streams.datasets.catalogue import DATASETS, Dataset, open_dataset

__all__ = ["DATASETS", "Dataset", "open_dataset"]
