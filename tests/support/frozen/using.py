"""Predict with any learner, teach it, and name its state: what the frozen files are compared by."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from headwater.nn import Network
from headwater.store.learner_file import to_bytes
from headwater.store.model_file import unseal
from support.frozen.cases import ASKED, GOES_ON, LEARNED, numbers_of, rows_of


def exact(value: Any) -> Any:
    """A value as JSON, its floats to the bit."""
    if isinstance(value, np.ndarray):
        return [exact(one) for one in value.tolist()]
    if isinstance(value, np.generic):
        return exact(value.item())
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, dict):
        return [[exact(name), exact(one)] for name, one in value.items()]
    if isinstance(value, list | tuple):
        return [exact(one) for one in value]
    if isinstance(value, set):
        return sorted(exact(one) for one in value)
    return repr(value) if isinstance(value, bytes | bool) or value is None else value


def _said(model: Any, x: dict[str, Any]) -> Any:
    """What a learner says of a row."""
    match model.task:
        case "classify":
            return model.predict_one(x), model.predict_proba_one(x)
        case "regress":
            interval = [] if hasattr(model, "key") else model.predict_interval_one(x)
            return model.predict_one(x), interval
        case "anomaly":
            return model.score_one(x)
        case "decide":
            return model.predict_one(x), model.probabilities(x), model.expected_rewards(x)
        case "control":
            return model.value(x), model.policy(x), model.act(x)
        case "forecast":
            of = (x[model.key],) if getattr(model, "key", None) else ()
            return model.forecast(*of, 3, [x] * 3), model.forecast_interval(*of, 3, [x] * 3)
        case "route":
            return model.predict_one(x), model.bandit.probabilities(x), model.bandit.expected_rewards(x)
    return model.predict_one(x), model.predict_proba_one(x)


def predicted(model: Any, shape: tuple[int, ...] = ()) -> Any:
    """What a learner, or a network with inputs of a shape, says of the rows that are asked."""
    if isinstance(model, Network):
        return exact(model.predict(numbers_of(shape, 0, ASKED)[0]))
    return [exact(_said(model, x)) for x in rows_of(getattr(model, "first", model), LEARNED, ASKED)]


def teach(model: Any, answers: Any, first: int = LEARNED, n: int = GOES_ON, shape: tuple[int, ...] = ()) -> None:
    """Teach a learner, or a network, rows first to first + n − 1."""
    if isinstance(model, Network):
        model.fit(*numbers_of(shape, first, n), epochs=2, batch_size=7)
        model.learn_many(*numbers_of(shape, first, n))
        return
    X = rows_of(getattr(model, "first", model), first, n)
    model.step_many(X, [answers(i) for i in range(first, first + n)], None)


def arrays(model: Any) -> dict[str, str]:
    """The hash of each array that is saved, but for the declaration, whose form may change while what it declares doesn't."""
    saved = unseal(to_bytes(model), "").arrays
    hashes = {name: hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest()[:12] for name, one in saved.items()}
    return {name: found for name, found in hashes.items() if not name.endswith("declaration")}


def digest(model: Any) -> list[str]:
    """The core's digest of a learner, of each of its outputs, or of a network; fleets and private learners have none."""
    if isinstance(model, Network):
        return [f"{model.core.digest():016x}"]
    parts = list(model.members.values()) if getattr(model, "members", None) else [getattr(model, "bandit", model)]
    cores = [getattr(part.engine, "core", None) for part in parts]
    return [f"{core.digest():016x}" for core in cores if core is not None]


def state(model: Any, shape: tuple[int, ...] = ()) -> dict[str, Any]:
    """Everything that is compared of a learner."""
    return {"learned": learned(model), "predicted": predicted(model, shape), "arrays": arrays(model)}


def learned(model: Any) -> int:
    """How many rows a learner has learned; a network does not count them."""
    return 0 if isinstance(model, Network) else int(model.n_learned)


def as_text(parts: dict[str, dict[str, Any]]) -> str:
    """JSON with a line a file."""
    whole = []
    for part, found in parts.items():
        lines = [f'"{name}": {json.dumps(one, sort_keys=True, ensure_ascii=False)}' for name, one in found.items()]
        whole.append(f'"{part}": {{\n' + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(whole) + "\n}\n"
