"""What is done to a stream before it is learned: answers that come late, and harm to the data.

The harm is drawn from a fixed seed, so that every learner meets the same. Codes of names are never scaled or
multiplied; they may be missing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from benchmarks.accuracy.streams import Stream

SEED = 1
SHARE = 0.01  # of the values that are missing, or outliers
NOISE = 0.1  # of the labels that are wrong


def plain(stream: Stream) -> Stream:
    """Return the stream as it is."""
    return stream


def delay(stream: Stream, rows: int) -> Stream:
    """Return the stream with every answer that many rows later than its row (and never sooner than it was due)."""
    return dataclasses.replace(stream, due=np.maximum(stream.due, np.arange(len(stream.y)) + rows))


def scaled(stream: Stream) -> Stream:
    """Return the stream with each column of numbers multiplied by 10^U(−6, 6)."""
    factors = 10.0 ** np.random.default_rng(SEED).uniform(-6, 6, stream.X.shape[1])
    factors[list(stream.levels)] = 1.0
    return dataclasses.replace(stream, X=stream.X * factors)


def missing(stream: Stream) -> Stream:
    """Return the stream with 1 % of its values taken away."""
    gone = np.random.default_rng(SEED).random(stream.X.shape) < SHARE
    return dataclasses.replace(stream, X=np.where(gone, np.nan, stream.X))


def outliers(stream: Stream) -> Stream:
    """Return the stream with 1 % of its numbers multiplied by a million."""
    wild = np.random.default_rng(SEED).random(stream.X.shape) < SHARE
    wild[:, list(stream.levels)] = False
    return dataclasses.replace(stream, X=np.where(wild, stream.X * 1e6, stream.X))


def noise(stream: Stream) -> Stream:
    """Return the stream with 10 % of the answers that are learned wrong; scored is the truth.

    A wrong class is any other class; a wrong number is the number of any row.
    """
    rng = np.random.default_rng(SEED)
    n = len(stream.y)
    if stream.task == "regress":
        wrong = stream.y[rng.integers(n, size=n)]
    else:
        k = len(stream.classes)
        wrong = (stream.y + rng.integers(1, k, size=n)) % k
    return dataclasses.replace(stream, y=np.where(rng.random(n) < NOISE, wrong, stream.y))


def late_class(stream: Stream) -> Stream:
    """Return the stream without the first half's rows of its second most frequent class."""
    second = np.argsort(-np.bincount(stream.y), kind="stable")[1]
    n = len(stream.y)
    kept = np.flatnonzero((stream.y != second) | (np.arange(n) >= n // 2))
    # an answer that came after row due[i] comes after the last kept row up to there
    due = np.maximum(np.searchsorted(kept, stream.due[kept], side="right") - 1, np.arange(len(kept)))
    due[stream.due[kept] >= n] = len(kept)
    return dataclasses.replace(stream, X=stream.X[kept], y=stream.y[kept], truth=stream.truth[kept], due=due)


CONDITIONS: dict[str, Callable[[Stream], Stream]] = {
    "plain": plain,
    "delay1": lambda stream: delay(stream, 1),
    "delay100": lambda stream: delay(stream, 100),
    "delay1000": lambda stream: delay(stream, 1000),
    "scaled": scaled,
    "missing": missing,
    "outliers": outliers,
    "noise": noise,
    "late-class": late_class,
}


def applies(condition: str, task: str, classes: int) -> bool:
    """Return whether a condition makes sense: a class that comes late needs two others."""
    return condition != "late-class" or (task == "classify" and classes > 2)
