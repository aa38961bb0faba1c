"""Streams that come with a package, by name: ``dataset:NAME``."""

from headwater.streams.datasets.catalogue import DATASETS, Dataset, open_dataset

__all__ = ["DATASETS", "Dataset", "open_dataset"]
