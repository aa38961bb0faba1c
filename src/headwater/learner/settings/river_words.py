"""River's estimator interface without importing River.

A learner is registered with River's classes only once River meets it. River's ``isinstance`` asks an unknown object for the last
step of a pipeline, and that call registers the learner's class.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from inspect import getattr_static
from typing import Any, NamedTuple, TypeVar

__all__ = ["in_river"]

T = TypeVar("T")

WORDS = (
    *("__or__", "__ror__", "clone", "mutate", "_get_params", "_is_stochastic", "_memory_usage", "_more_tags"),
    *(
        "_multiclass",
        "_mutable_attributes",
        "_raw_memory_usage",
        "_supervised",
        "_tags",
        "_unit_test_params",
        "_unit_test_skips",
    ),
)
"""Attributes of estimators that River itself uses."""


def in_river(name: str) -> Callable[[type[T]], type[T]]:
    """Make a class a River estimator of the given kind.

    Parameters
    ----------
    name
        The abstract class as ``"module:class"``. Until its module is imported, ``river.base:Estimator`` is used.

    Examples
    --------
    >>> @in_river("river.base:Regressor")
    ... class Zero:
    ...     def predict_one(self, x):
    ...         return 0.0
    ...
    ...     def learn_one(self, x, y):
    ...         pass
    >>> from river import base
    >>> isinstance(Zero(), base.Regressor), isinstance(Zero(), base.Classifier), Zero()._supervised
    (True, False, True)
    """

    def known(cls: type[T]) -> type[T]:
        own = set().union(*map(vars, cls.__mro__[:-1]))
        for word in WORDS:
            if word not in own:
                setattr(cls, word, _Word(word, name))
        cls._last_step = _Introduction(name, type("StandIn", (), {}))  # type: ignore[attr-defined]
        return cls

    return known


def _abstract(name: str) -> Any:
    """Return River's abstract class, or River's Estimator until its module is imported."""
    base = import_module("river.base")
    module, _, short = name.partition(":")
    return getattr(sys.modules[module], short) if module in sys.modules else base.Estimator


class _Word(NamedTuple):
    """An attribute of River's estimators, delegated to River's own code."""

    word: str
    name: str

    def __get__(self, learner: Any, cls: type) -> Any:
        try:
            found = getattr_static(_abstract(self.name), self.word)
        except ImportError:
            raise AttributeError(
                f"{cls.__name__} has {self.word} where River is installed: pip install 'headwater[river]'"
            ) from None
        return found.__get__(learner, cls)


class _Introduction(NamedTuple):
    """Provide River with an instance of the right class in place of a pipeline's last step.

    River uses it once or twice, until the learner's own class, registered meanwhile, takes effect.
    """

    name: str
    stand_in: type

    def __get__(self, learner: Any, cls: type) -> Any:
        if learner is None or "river.base" not in sys.modules:
            raise AttributeError("_last_step")
        known = _abstract(self.name)
        known.register(cls)
        known.register(self.stand_in)
        return self.stand_in()
