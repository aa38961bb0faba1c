"""What the frozen files hold: a learner of each kind, and the rows and answers that it is taught. Rows and answers never change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import headwater as hw
from headwater import nn

LEARNED, GOES_ON, ASKED = 60, 40, 6
"""Rows before a file was written, rows learned behind it, and rows predicted at both moments."""
WORDS = ("late", "train", "broken", "door", "cold", "thanks", "driver", "ticket", "empty", "seat")


def sample(i: int) -> dict[str, Any]:
    """Row i: numbers, categories, a gap, a date-time, words, and a column that appears late."""
    row = {"a": (i * 37 % 101) / 10, "b": (i * 53 % 97) / 7, "c": "xyz"[i % 3], "d": None if i % 11 == 0 else i % 5}
    row |= {"at": f"2024-03-{1 + i % 28:02}T{i % 24:02}:30", "flag": i % 4 == 0, "machine": f"m{i % 4}"}
    row["note"] = " ".join(WORDS[i * (k + 3) % 10] for k in range(5)) + f" {i}"
    return row | ({"new": i / 9} if i > 30 else {})


def label(i: int) -> Any:
    """A class of row i: text, and a number from row 20 on."""
    return "yes" if i * 37 % 101 > 50 else 7 if i > 20 and i % 5 == 0 else "no"


def odd_label(i: int) -> Any:
    """A class of each type."""
    return (True, 2.5, b"x", ("a", 1), "été", -3)[i * 37 % 101 % 6]


def number(i: int) -> float:
    """A number for row i."""
    return (i * 37 % 101) / 10 - 3 * (i % 3 == 0) + i / 50


def series(i: int) -> float:
    """The next value of a series, now and then a gap."""
    return math.nan if i % 29 == 17 else float(i % 7) + (i * 37 % 101) / 50


def rewarded(i: int) -> list[Any]:
    """An action, its reward and its probability."""
    return ["abc"[i % 3], float(i * 37 % 101 > 50), 0.25 + i % 4 / 8]


def transition(i: int) -> dict[str, Any]:
    """What an agent did in row i, and what followed."""
    ends = {"terminated": i % 30 == 29, "truncated": i % 20 == 19}
    return {
        "action": ("left", "right")[i * 53 % 7 > 3],
        "reward": float(i * 37 % 101 > 50),
        "next": sample(i + 1),
    } | ends


def steered(i: int) -> dict[str, Any]:
    """The same with an action of two numbers."""
    return transition(i) | {"action": [(i % 9) / 9, (i % 5) / 5 - 0.5]}


def several(i: int) -> dict[str, Any]:
    """Several answers; one of them appears late."""
    return {"class": label(i), "number": number(i)} | ({"late": number(i) / 2} if i > 30 else {})


def nothing(_: int) -> None:
    """No answer."""


POOL = (
    nn.Expert((nn.Dense(6), nn.LayerNorm(), nn.Activation("relu")), optimizer=nn.AdaGrad(0.05), replays=2),
    nn.Expert((), optimizer=nn.RMSProp(0.003, rho=0.999)),
    nn.Expert((nn.Dense(4), nn.Activation("tanh")), optimizer=nn.Adam(nn.Cosine(0.01, 1000))),
)
SMALL: dict[str, Any] = {"hidden": (6,), "seed": 3}
WITH_WORDS: dict[str, Any] = {"experts": POOL, "text": {"note": "bigrams"}, "max_rows": 4096}
STATEFUL: dict[str, Any] = {
    "experts": (nn.Expert(()),),
    "memory": 4,
    "by": "machine",
    "memory_keys": 8,
    "text": None,
    "diagnosis": False,
}
HOURS = hw.Rolling(key="machine", time="at", over=("1h", "3d"), of={"a": ("sum", "mean"), "c": "distinct"})
PRIVATE = hw.Privacy(bounds={"a": (0, 11), "b": (0, 14)}, classes=["yes", "no", 7])

LEARNERS: dict[str, tuple[Any, Any]] = {
    "classifier": (lambda: hw.Classifier(effort="fast", seed=3), label),
    "classifier-net": (lambda: hw.Classifier(**SMALL, norm="layer", dropout=0.1, lr=0.01), label),
    "classifier-pool": (lambda: hw.Classifier(experts=POOL, text=None, diagnosis=False, seed=5), label),
    "classifier-binary": (lambda: hw.Classifier(**SMALL, loss="binary_cross_entropy"), lambda i: i % 3 == 0),
    "classifier-labels": (lambda: hw.Classifier(**SMALL), odd_label),
    "classifier-history": (lambda: hw.Classifier(experts=POOL, text=None, label_history=True, diagnosis=False), label),
    "classifier-text": (lambda: hw.Classifier(**WITH_WORDS), label),
    "classifier-memory": (lambda: hw.Classifier(**STATEFUL), label),
    "classifier-float64": (lambda: hw.Classifier(**SMALL, dtype="float64", diagnosis=False), label),
    "regressor": (lambda: hw.Regressor(effort="fast", seed=3), number),
    "regressor-net": (lambda: hw.Regressor(**SMALL, norm="batch", optimizer=nn.Adam(0.01), l2=0.001), number),
    "regressor-pool": (lambda: hw.Regressor(experts=POOL, text=None, diagnosis=False, seed=5), number),
    "regressor-history": (lambda: hw.Regressor(experts=POOL, text=None, label_history=True, diagnosis=False), number),
    "regressor-text": (lambda: hw.Regressor(**WITH_WORDS), number),
    "regressor-memory": (lambda: hw.Regressor(**STATEFUL, dtype="float64"), number),
    "regressor-poisson": (lambda: hw.Regressor(**SMALL, loss="poisson"), lambda i: float(i % 5)),
    "regressor-float64": (lambda: hw.Regressor(experts=POOL, text=None, diagnosis=False, dtype="float64"), number),
    "forecaster": (lambda: hw.Forecaster(horizon=3, season=7, lags=4, seed=3), series),
    "anomaly": (lambda: hw.Anomaly(neighbours=16, hidden=4, seed=3), nothing),
    "bandit": (lambda: hw.Bandit(hidden=4, seed=3), rewarded),
    "bandit-linucb": (lambda: hw.Bandit("linucb", rewards=(-1.0, 2.0), hidden=4, dtype="float64"), rewarded),
    "agent": (lambda: hw.Agent(("left", "right"), hidden=4, explore=500, seed=3), transition),
    "agent-policy": (lambda: hw.Agent(("left", "right"), method="ac", hidden=4, adaptive=True), transition),
    "agent-box": (lambda: hw.Agent(((0.0, 1.0), (-1.0, 1.0)), hidden=4, dtype="float64"), steered),
    "multi-output": (lambda: hw.MultiOutput({"class": "classify"}, effort="fast", diagnosis=False), several),
    "classifier-rolling": (lambda: hw.Classifier(**SMALL, rolling=HOURS), label),
    "classifier-embedding": (lambda: hw.Classifier(experts=POOL, text={"e": "raw"}, diagnosis=False, seed=5), label),
    "expiring": (lambda: hw.Expiring(hw.Classifier(**SMALL), "3d", "at"), label),
    "private": (lambda: hw.PrivateClassifier(PRIVATE), label),
    "router": (lambda: hw.Router({"a": 1.0, "b": 2.0, "c": 4.0}, seed=3), rewarded),
    "anomaly-default": (lambda: hw.Anomaly(seed=3), nothing),
    "agent-net": (lambda: hw.Agent(("left", "right"), hidden=4, table=False, seed=3), transition),
    "fleet-classifier": (lambda: hw.Fleet(hw.Classifier(**SMALL), key="machine"), label),
    "fleet-related": (lambda: hw.Forecaster(horizon=3, season=4, lags=4, seed=3, key="c"), series),
    "fleet-regressor": (lambda: hw.Fleet(hw.Regressor(hidden=(), text=None), key="machine"), number),
}
"""Of each file what makes the learner, and the answers that it is taught. A later version may have more, and never others."""

STORES = (
    *("classifier-net", "classifier-history", "regressor-net", "regressor-memory", "forecaster", "anomaly"),
    *("bandit", "agent", "agent-box", "multi-output", "fleet-classifier", "router"),
)
"""Learners that are kept in a store too, which was closed or killed."""
FLEETS = ("fleet-classifier", "fleet-regressor")
WEB = ("classifier-pool", "regressor-float64")
"""Learners that are exported as a page too."""

IMAGES = (nn.Conv(2, 3, "relu"), nn.Pool(2), nn.Flatten(), nn.Dense(3))
NETWORKS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "dense": (
        lambda: nn.Network([nn.Dense(5), nn.LayerNorm(), nn.Activation("relu"), nn.Dropout(0.2), nn.Dense(2)], seed=1),
        (4,),
    ),
    "float64": (lambda: nn.Network([nn.Dense(5), nn.Activation("tanh"), nn.Dense(2)], dtype="float64"), (4,)),
    "images": (lambda: nn.Network(list(IMAGES), loss="cross_entropy", optimizer=nn.Adam()), (1, 6, 6)),
}


def numbers_of(shape: tuple[int, ...], first: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows for a network, and two numbers or one of three classes for each."""
    size = math.prod(shape)
    X = np.array([[(i * 37 + j * 53) % 101 / 50 - 1 for j in range(size)] for i in range(first, first + n)])
    if len(shape) > 1:
        return X.reshape(n, *shape), np.arange(first, first + n) % 3
    return X, np.stack([X[:, 0] - X[:, 1], X[:, 2] * X[:, 3]], 1)


def rows_of(learner: Any, first: int, n: int) -> list[dict[str, Any]]:
    """Rows first to first + n − 1; of a learner without words none, so that files stay small."""
    texts = learner.text if type(getattr(learner, "text", None)) is dict else {}
    keep = {"a", "b", "c", "d", "at", "flag", "new", "machine"} | ({"note"} & texts.keys())
    keep = {"a", "c"} if getattr(learner, "task", "") in ("anomaly", "control", "forecast", "decide", "route") else keep
    rows = [{name: value for name, value in sample(i).items() if name in keep} for i in range(first, first + n)]
    if "e" in texts:
        rows = [row | {"e": [(i * 37 + j * 53) % 101 / 50 - 1 for j in range(64)]} for i, row in enumerate(rows, first)]
    return rows
