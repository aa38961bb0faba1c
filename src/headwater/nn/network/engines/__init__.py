"""Engines that compute a network, in C or in plain NumPy."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.errors import ConfigError
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.nn.layers import Embedding
from headwater.nn.shapes import Shape
from headwater.plain import PlainNetwork

from .core_net import CoreNet
from .fixed_net import Array, FixedNet
from .plain_net import PlainNet

ENGINES = ("core", "plain")


def check_engine(engine: str) -> str:
    """Return the name of an engine.

    Raises
    ------
    ConfigError
        For an unknown name.
    """
    if engine not in ENGINES:
        raise ConfigError(
            expected="'core' or 'plain'", got=repr(engine), at="engine of Network", help="Leave it out for the core."
        )
    return engine


def make_net(
    engine: str, expert: Expert, *, inputs: int | Shape, dtype: str, seed: int, state: Mapping[str, Array] | None = None
) -> FixedNet:
    """Create a net with initial weights, or in the core from a saved state, with arguments as in ``Network.build``."""
    first = expert.layers[0]
    rows = first.rows if isinstance(first, Embedding) else inputs
    if engine == "plain" and expert.recurrent:
        raise ConfigError(
            expected="layers without a state, with engine='plain'",
            got="Recurrent",
            at="layers",
            help="Leave engine out; headwater.plain.network.recurrent shows the arithmetic.",
        )
    if engine == "plain":
        return PlainNet(expert, inputs=rows, dtype=dtype, seed=seed)
    return CoreNet(expert, inputs=rows, dtype=dtype, seed=seed, state=state)


def built(net: FixedNet | None) -> FixedNet:
    """Return a net that has been built.

    Raises
    ------
    ConfigError
        Before the number of inputs is known.
    """
    if net is None:
        raise ConfigError(
            expected="a network with a known number of inputs",
            got="one that has seen no data",
            at="Network",
            help="Pass inputs=…, call build(n), or pass data first.",
        )
    return net


def core_of(net: FixedNet | None, engine: str) -> Core:
    """Return the core of a net.

    Raises
    ------
    ConfigError
        Before the number of inputs is known, and for other engines.
    """
    found = built(net) if engine == "core" else net
    if not isinstance(found, CoreNet):
        remedy = "Make it without engine=…. The same seed gives the same results."
        raise ConfigError(expected="a network with engine='core'", got=f"engine={engine!r}", at="Network", help=remedy)
    return found.core


def plain_of(net: FixedNet | None, engine: str) -> PlainNetwork:
    """Return the plain network of a net.

    Raises
    ------
    ConfigError
        Before the number of inputs is known, and for other engines.
    """
    found = built(net) if engine == "plain" else net
    if not isinstance(found, PlainNet):
        raise ConfigError(
            expected="a network with engine='plain'",
            got=f"engine={engine!r}",
            at="Network",
            help="Make it with engine='plain'.",
        )
    return found.net


__all__ = ["ENGINES", "FixedNet", "check_engine", "core_of", "built", "make_net", "plain_of"]
