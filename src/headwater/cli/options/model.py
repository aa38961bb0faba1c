"""Options that define a new model, or must agree with a saved one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headwater import nn
from headwater.cli.options.fleet import features_of, member_of
from headwater.cli.options.shared import split_sizes
from headwater.errors import ConfigError, ModelFileError, did_you_mean
from headwater.learner.kind import Kind, able_to, is_fleet, kind_of, kind_with
from headwater.learner.schema import Field
from headwater.learner.settings import settings_of
from headwater.learner.settings.options import OPTIONS, columns_of_text, settings_from
from headwater.types import Lazy

__all__ = ["ModelOptions", "agree_on_settings", "load_model"]

_ROLLING = Lazy("headwater.learner.settings.rolling:rolling_of")
_POOL = "of the pool"
_KEEPS_NONE = {True: "given", False: "left out"}
_TAKES: dict[str, tuple[type, str | None]] = {
    "number": (float, None),
    "whole": (int, None),
    "seed": (int, None),
    "boolean": (bool, None),
    "sizes": (str, "SIZES"),
    "words": (str, "COLUMNS"),
    "column": (str, "COLUMN"),
    "rolling": (str, "SPEC"),
}
"""What the command line reads for a type of field, and how the help shows it."""


@dataclass(frozen=True)
class _Options:
    """What is done with the options of a model, which are a dataclass of ``OPTIONS``, None where they are not given."""

    if TYPE_CHECKING:  # each option is an attribute

        def __getattr__(self, name: str) -> Any: ...

    def make(self, task: str, **more: Any) -> Any:
        """Return a new learner, with the library's defaults and ``more`` settings of its kind.

        Raises
        ------
        ConfigError, DataError
            When an option can't be: an unknown optimizer, a loss of the other task.
        """
        asked: dict[str, Any] = {}
        for field in OPTIONS:
            if (value := getattr(self, field.name)) is not None:
                asked[field.name] = _read(field, value)
        made = settings_from(asked, rolling_at="--rolling") if asked else asked
        if more:
            made.update({name: value for name, value in more.items() if value is not None})
        return kind_with(task, at="--task").make(made)

    def without(self, name: str) -> ModelOptions:
        """Return these options without one of them."""
        own: Any = self
        left: ModelOptions = replace(own, **{name: None})
        return left

    def agree_with(self, learner: Any, *, task: str, target: str | None, at: str) -> None:
        """Raise if an option differs from the saved model.

        Raises
        ------
        ConfigError
            Naming the option, what the model has, and the two ways out.
        """
        member = member_of(learner)
        about = member.describe()
        if task != "auto" and kind_with(task, at="--task").task != about["task"]:
            raise _contradiction("--task", kind_of(member).word, task, at)
        if target in features_of(learner):
            raise ConfigError(
                expected="a target that is none of the model's features",
                got=str(target),
                at=f"--target, with {at}",
                help="Choose another --target, or another --model.",
            )
        for option, has, asked in self._differences(about, member):
            if asked is not None and has != asked:
                raise _contradiction(option, has, asked, at)

    def _differences(self, about: dict[str, Any], learner: Any) -> list[tuple[str, str, str | None]]:
        """Return for each option the model's value and the given one in the same spelling, None if not given."""
        if "layers" not in kind_of(learner).can:
            return self._of_others(learner) + self._of_all(learner)
        rule = about["optimizer"]  # its repr, such as Adam(lr=0.001); those of a pool stand in a row
        shapes = [layer["shape"] for layer in about["layers"] if layer["name"].startswith("Dense(")]
        pool = "" if shapes else _POOL  # the layers of a pool are numbered by expert
        sizes = ",".join(str(shape[-1]) for shape in shapes[:-1] if shape) or "0"
        hidden = None if self.hidden is None else ",".join(map(str, split_sizes(self.hidden))) or "0"
        asked = None if self.diagnosis is None else _KEEPS_NONE[not self.diagnosis]
        optimizer = None if self.optimizer is None else type(nn.optimizer(self.optimizer)).__name__
        return [
            ("--hidden", pool or sizes, hidden),
            ("--optimizer", pool or rule.partition("(")[0], optimizer),
            ("--lr", pool or "".join(re.findall(r"\blr=([^,)]+)", rule)), None if self.lr is None else repr(self.lr)),
            ("--loss", about["loss"], self.loss),
            *self._of_memory(about.get("memory", {})),
            *self._of_all(learner),
            ("--words", _named(learner.text), None if self.text is None else _named(columns_of_text(self.text))),
            ("--no-diagnosis", _KEEPS_NONE[not learner.diagnosis], asked),
        ]

    def _of_memory(self, about: dict[str, Any]) -> list[tuple[str, str, str | None]]:
        """Return the memory options, as ``_differences`` does."""
        units = None if self.memory is None else str(self.memory)
        names = (("--by", "by", self.by), ("--time", "time", self.time))
        return [
            ("--memory", str(about.get("units", 0)), units),
            *((option, str(about.get(name) or "left out"), asked) for option, name, asked in names),
        ]

    def _of_others(self, learner: Any) -> list[tuple[str, str, str | None]]:
        """Return the options of a learner that is not a net, as ``_differences`` does."""
        lr = None if self.lr is None else repr(self.lr)
        left_out = [("--optimizer", self.optimizer), ("--lr", lr), ("--loss", self.loss)]
        hidden = str(getattr(learner, "hidden", "left out"))
        return [("--hidden", hidden, self.hidden), *((option, "left out", asked) for option, asked in left_out)]

    def _of_all(self, learner: Any) -> list[tuple[str, str, str | None]]:
        """Return the options that all kinds of learners share, as ``_differences`` does."""
        has = getattr(learner, "rolling", None)
        rolling = None if self.rolling is None else repr(_ROLLING(self.rolling, "--rolling"))
        return [
            ("--seed", str(learner.seed), None if self.seed is None else str(self.seed)),
            ("--rolling", "left out" if has is None else repr(has), rolling),
        ]


def _read(field: Field, value: Any) -> Any:
    """Return the value of an option as JSON would have it."""
    return split_sizes(value) if field.type == "sizes" else field.read(value, at=field.option)


if TYPE_CHECKING:

    class ModelOptions(_Options):
        """Options of a model, None where they are not given."""

else:
    _ENTRIES = []
    for _field in OPTIONS:  # no function is called for them, since every start of the command waits for this
        _takes, _shown = _TAKES.get(_field.type, (str, None))
        _about = Parameter(
            name=f"--{_field.word or _field.name}",
            metavar=_shown,
            help=_field.doc,
            negative=f"--no-{_field.name}" if _takes is bool else (),
        )
        _ENTRIES.append((_field.name, Annotated[_takes | None, _about], None))
    ModelOptions = make_dataclass("ModelOptions", _ENTRIES, bases=(_Options,), frozen=True)
    ModelOptions.__module__ = __name__


def agree_on_settings(known: Any, kind: Kind, asked: Mapping[str, Any], at: str) -> None:
    """Raise if a setting that a kind has of its own differs from the saved model's.

    Raises
    ------
    ConfigError
        Naming the option and what the model has.
    """
    has = {**settings_of(member_of(known)), "key": known.key if is_fleet(known) else None}
    for field in kind.settings:  # of which some are joined to one setting, as a private learner's promise
        if field.name in asked and field.name in has and asked[field.name] != has[field.name]:
            own = "left out" if has[field.name] is None else str(has[field.name])
            raise _contradiction(field.option, own, str(asked[field.name]), at)


def _named(text: Any) -> str:
    """Return a ``text`` setting as ``--words`` spells it."""
    return ",".join(f"{name}={kind}" for name, kind in text.items()) if isinstance(text, dict) else text or "none"


def load_model(path: Path, *, fleets: bool = False) -> Any:
    """Load a saved learner, and accept a fleet only with ``fleets``.

    Raises
    ------
    ModelFileError
        When there is none, or it can't be read.
    """
    if not path.exists():
        names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        close = did_you_mean(path.name, names)
        raise ModelFileError(
            expected="a saved model",
            got="no such file",
            at=str(path),
            help=close if close.startswith("Did") else "Make one: headwater learn SOURCE --target COLUMN --model FILE",
        )
    _check_no_text(path)
    from headwater.store.learner_file import load

    learner: Any = load(path)
    if isinstance(learner, nn.Network):
        raise ModelFileError(
            expected=f"a saved {' or '.join(able_to('layers'))}",
            got="a Network",
            at=str(path),
            help="A Network learns arrays: go on with it in Python, hw.load(path).",
        )
    if is_fleet(learner) and not fleets:
        raise ModelFileError(
            expected="a model for all rows",
            got=f"a fleet of {len(learner):,} by {learner.key}",
            at=str(path),
            help="Take one member: hw.load(path)[KEY].save(FILE).",
        )
    return learner


def _check_no_text(path: Path) -> None:
    """Raise ModelFileError if rows are given in the place of a model, whose head has zeros where a text has none."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        head = file.read(64)
    if head and b"\0" not in head and "\ufffd" not in head.decode(errors="replace")[:-3]:
        raise ModelFileError(
            expected="a saved model",
            got="a file of text",
            at=str(path),
            help=f"Learn one from rows: headwater learn {path} --target COLUMN --model FILE",
        )


def _contradiction(option: str, has: str, asked: str, at: str) -> ConfigError:
    if has == _POOL:
        return ConfigError(
            expected=f"no {option}: {at} holds the default pool of nets, which chooses layers, rules and step sizes by itself",
            got=f"{option} {asked}",
            at=option,
            help=f"Leave {option} out to go on with {at}, or name another --model to begin a single net.",
        )
    return ConfigError(
        expected=f"{option} {has}, as {at} was made with",
        got=asked,
        at=option,
        help="Leave the option out, or choose another --model.",
    )
