"""Options that define a new model, or must agree with a saved one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater import nn
from headwater.cli.options.fleet import features_of, member_of
from headwater.cli.options.shared import split_sizes
from headwater.errors import ConfigError, ModelFileError, did_you_mean
from headwater.learner.kind import Kind, able_to, is_fleet, kind_of, kind_with
from headwater.learner.settings import settings_of
from headwater.types import Lazy

__all__ = ["ModelOptions", "agree_on_settings", "load_model"]

_ROLLING = Lazy("headwater.learner.settings.rolling:rolling_of")
_POOL = "of the pool"


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Options of a model, None where they are not given.

    Parameters
    ----------
    hidden
        Sizes of the hidden layers of a single net, such as 64,32; 0 for none.
    optimizer
        The update rule of a single net, such as sgd; adam if only --lr is given.
    lr
        The learning rate of a single net.
    loss
        The loss, such as cross_entropy, mse or huber.
    seed
        What the first weights are drawn from.
    words
        Which columns of texts are read as words: auto, words, bigrams, none, or some of them, such as title=words,body=bigrams.
    memory
        Complex numbers of a state that is carried from row to row, such as 32; 0 for none.
    by
        The column that says whose state a row reads, such as machine_id.
    time
        The column of times by which a state fades. With --task forecast: the column of times in whose order rows have to come.
    rolling
        What happened before each row, as columns more: KEY@TIME:WINDOWS:AGGREGATES, such as
        card@at:1h,24h:sum(amount),distinct(shop).
    no_diagnosis
        Keep no rows for headwater diagnose, in the file neither; without it some 270 are kept.
    """

    hidden: Annotated[str | None, Parameter(metavar="SIZES")] = None
    optimizer: str | None = None
    lr: float | None = None
    loss: str | None = None
    seed: int | None = None
    words: Annotated[str | None, Parameter(metavar="COLUMNS")] = None
    memory: int | None = None
    by: Annotated[str | None, Parameter(metavar="COLUMN")] = None
    time: Annotated[str | None, Parameter(metavar="COLUMN")] = None
    rolling: Annotated[str | None, Parameter(metavar="SPEC")] = None
    no_diagnosis: bool = False

    def make(self, task: str, **more: Any) -> Any:
        """Return a new learner, with the library's defaults and ``more`` settings of its kind.

        Raises
        ------
        ConfigError
            When an option can't be: an unknown optimizer, a loss of the other task.
        """
        asked: dict[str, Any] = {}
        if more:
            asked.update({name: value for name, value in more.items() if value is not None})
        if self.hidden is not None:
            asked["hidden"] = split_sizes(self.hidden)
        if self.optimizer is not None or self.lr is not None:
            asked["optimizer"] = nn.optimizer(self.optimizer or "adam", self.lr)
        if self.loss is not None:
            asked["loss"] = self.loss
        if self.seed is not None:
            if self.seed < 0:
                raise ConfigError(
                    expected="a seed of at least 0", got=str(self.seed), at="--seed", help="Try --seed 1."
                )
            asked["seed"] = self.seed
        if self.words is not None:
            asked["text"] = _columns_of_text(self.words)
        given = {"memory": self.memory, "by": self.by, "time": self.time}
        asked |= {name: value for name, value in given.items() if value is not None}
        if self.rolling is not None:
            asked["rolling"] = _ROLLING(self.rolling, "--rolling")
        if self.no_diagnosis:
            asked["diagnosis"] = False
        return kind_with(task, at="--task").make(asked)

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
        optimizer = None if self.optimizer is None else type(nn.optimizer(self.optimizer)).__name__
        return [
            ("--hidden", pool or sizes, hidden),
            ("--optimizer", pool or rule.partition("(")[0], optimizer),
            ("--lr", pool or "".join(re.findall(r"\blr=([^,)]+)", rule)), None if self.lr is None else repr(self.lr)),
            ("--loss", about["loss"], self.loss),
            *self._of_memory(about.get("memory", {})),
            *self._of_all(learner),
            ("--words", _named(learner.text), None if self.words is None else _named(_columns_of_text(self.words))),
            ("--no-diagnosis", "left out" if learner.diagnosis else "given", "given" if self.no_diagnosis else None),
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


def _columns_of_text(option: str) -> str | dict[str, str] | None:
    """Return the ``text`` setting for ``--words``."""
    if option == "none":
        return None
    if "=" not in option:
        return option
    return {name: kind for name, _, kind in (part.rpartition("=") for part in option.split(","))}


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
