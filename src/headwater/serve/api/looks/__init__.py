"""Views of an idle learner, each a function from the learner and options to bytes."""

from __future__ import annotations

from collections.abc import Callable

from headwater.kinds.fleet.looks.scores import key_scores
from headwater.serve.api.looks.explaining import explanation, importances
from headwater.serve.api.looks.files import described, graph, inputs
from headwater.serve.api.looks.heatmaps import activation_maps, weight_maps
from headwater.serve.http.schemas import to_json
from headwater.store.learner_file import to_bytes

__all__ = ["LOOKS"]

LOOKS: dict[str, Callable[..., bytes]] = {
    "describe": described,
    "inputs": inputs,
    "file": to_bytes,
    "onnx": graph,
    "weights": lambda learner: to_json(weight_maps(learner)),
    "activations": lambda learner, X: to_json(activation_maps(learner, X)),
    "importance": lambda learner, most: to_json(importances(learner, most)),
    "explain": lambda learner, **asked: to_json(explanation(learner, **asked)),
    "keys": lambda learner: to_json(key_scores(learner)),
}
"""All views by name, as a `Reader` requests them."""
