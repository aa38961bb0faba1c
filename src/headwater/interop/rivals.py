"""Learners of other libraries with their usual settings, to be compared with ours on somebody's own stream.

Each is asked and taught one row at a time, as rows of a stream come. What turns a row into what the library takes is part of its
time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

__all__ = ["RIVALS", "Rival", "installed"]

_LEFT_OUT = str.maketrans({" ": "_", ":": "_", "|": "_", "\n": "_", "\t": "_", "\r": "_"})


@dataclass(frozen=True, slots=True)
class Rival:
    """A learner of another library.

    Parameters
    ----------
    name
        What it is.
    package
        The package's name in the index.
    module
        What is imported of it.
    make
        Function from the classes (none for numbers) to a function that predicts, and one that learns.
    """

    name: str
    package: str
    module: str
    make: Callable[[Sequence[Any]], tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]]

    @property
    def title(self) -> str:
        """The name with the version that is installed."""
        return f"{self.name} ({self.package} {version(self.package)})"


def installed() -> list[Rival]:
    """Return the rivals whose packages are installed."""
    return [one for one in RIVALS if find_spec(one.module) is not None]


def _plain(x: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the values that River takes, without gaps."""
    return {
        name: value if isinstance(value, bool | int | float | str) else str(value)
        for name, value in x.items()
        if value is not None and value == value
    }


def _river(model: Any) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    return lambda x: model.predict_one(_plain(x)), lambda x, y: model.learn_one(_plain(x), y)


def _forest(classes: Sequence[Any]) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    from river import compose, forest, preprocessing

    if classes:
        return _river(forest.ARFClassifier(seed=1))
    words = compose.SelectType(str) | preprocessing.OneHotEncoder()  # its linear leaves take numbers alone
    return _river((words + compose.SelectType(int, float, bool)) | forest.ARFRegressor(seed=1))


def _linear(classes: Sequence[Any]) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    from river import compose, linear_model, multiclass, preprocessing

    inputs = (compose.SelectType(str) | preprocessing.OneHotEncoder()) + (
        compose.SelectType(int, float, bool) | preprocessing.StandardScaler()
    )
    if not classes:
        return _river(inputs | linear_model.LinearRegression())
    return _river(inputs | multiclass.OneVsRestClassifier(linear_model.LogisticRegression()))


def _vw(classes: Sequence[Any]) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    from vowpalwabbit import Workspace

    own = Workspace(f"{f'--oaa {len(classes)} ' if classes else ''}--quiet --random_seed 1")
    number = {label: i for i, label in enumerate(classes, 1)}

    def predict(x: Any) -> Any:
        said = own.predict(f"| {_words(x)}")
        return classes[int(said) - 1] if classes else float(said)

    return predict, lambda x, y: own.learn(f"{number[y] if classes else y} | {_words(x)}")


def _words(x: Mapping[Any, Any]) -> str:
    """Return a row as VW's text."""
    out = []
    for name, value in _plain(x).items():
        word = str(name).translate(_LEFT_OUT)
        out.append(f"{word}={value.translate(_LEFT_OUT)}" if isinstance(value, str) else f"{word}:{float(value)!r}")
    return " ".join(out)


RIVALS = (
    Rival("adaptive random forest", "river", "river", _forest),
    Rival("linear model", "river", "river", _linear),
    Rival("VW", "vowpalwabbit", "vowpalwabbit", _vw),
)
"""Rivals, those of one library together."""
