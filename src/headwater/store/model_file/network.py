"""Serialize a ``Network``, including the state of its shuffling."""

from __future__ import annotations

from typing import Any

from headwater.nn import Network

from .saved import SavedModel
from .settings import as_json, dict_from_json

__all__ = ["build_network", "pack_network"]

_RATES = ("l1", "l2", "clip_norm", "clip_value")


def pack_network(net: Network) -> SavedModel:
    """Serialize a network."""
    expert = net.expert
    settings = {name: getattr(expert, name) for name in ("loss", "optimizer", *_RATES)}
    settings |= {
        "layers": list(expert.layers),
        "seed": net.seed,
        "dtype": net.dtype.name,
        "inputs": net._inputs or None,
    }
    header: dict[str, Any] = {
        "learner": "Network",
        "settings": {name: as_json(value) for name, value in settings.items()},
        "shuffle": net._shuffle.bit_generator.state,
    }
    built = net.engine != "core" or bool(net._inputs)  # ``core`` raises for a plain one
    return SavedModel(header, net.core.state() if built else {})


def build_network(saved: SavedModel) -> Network:
    """Build a network from its saved settings and arrays."""
    header = saved.header
    settings = dict_from_json(header["settings"])
    inputs = settings.pop("inputs")
    net = Network(**settings)
    net._shuffle.bit_generator.state = header["shuffle"]
    return net if inputs is None else net.build(inputs, saved.arrays)
