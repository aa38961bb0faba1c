"""River's interface, without River: its classes know a learner as soon as they meet it, and its own code answers for the rest.

River is imported by whoever uses it, and not by a learner. ``isinstance`` of River's classes asks an object that it does not
know for its last step, as of a pipeline: that is when a learner's class is registered.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from inspect import getattr_static
from typing import Any, TypeVar

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
"""What River asks of its estimators besides what its users call."""


def in_river(name: str) -> Callable[[type[T]], type[T]]:
    """Make a class what River calls an estimator of that kind.

    Parameters
    ----------
    name
        The abstract class, as ``"module:class"``. Until its module is imported, it is ``river.base:Estimator``.

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
        own = {word for ancestor in cls.__mro__[:-1] for word in vars(ancestor)}
        for word in WORDS:
            if word not in own:
                setattr(cls, word, _Word(word, name))
        cls._last_step = _Introduction(name)  # type: ignore[attr-defined]
        return cls

    return known


def _abstract(name: str) -> Any:
    """Return River's abstract class; River's estimator as long as nobody has imported the module."""
    base = import_module("river.base")
    module, _, short = name.partition(":")
    return getattr(sys.modules[module], short) if module in sys.modules else base.Estimator


class _Word:
    """An attribute of River's estimators: River's own code answers."""

    def __init__(self, word: str, name: str) -> None:
        self.word, self.name = word, name

    def __get__(self, learner: Any, cls: type) -> Any:
        try:
            found = getattr_static(_abstract(self.name), self.word)
        except ImportError:
            raise AttributeError(
                f"{cls.__name__} has {self.word} where River is installed: pip install 'headwater[river]'"
            ) from None
        return found.__get__(learner, cls)


class _Introduction:
    """What a learner shows River in place of a pipeline's last step: an object of the right class.

    River looks at it once or twice before the learner's own class, which is registered meanwhile, answers.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.stand_in = type("StandIn", (), {})

    def __get__(self, learner: Any, cls: type) -> Any:
        if learner is None or "river.base" not in sys.modules:
            raise AttributeError("_last_step")
        known = _abstract(self.name)
        known.register(cls)
        known.register(self.stand_in)
        return self.stand_in()
