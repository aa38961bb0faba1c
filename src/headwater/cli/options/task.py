"""The kind of learner that ``--task`` or a model's file selects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headwater.cli.options.declared import columns_in
from headwater.cli.options.model import load_model
from headwater.errors import ConfigError
from headwater.learner.kind import Kind, kind_of, kind_with, own_kinds

__all__ = ["kind_of_run", "saved", "task_of"]


def task_of(task: str, known: Any, *, anomalies: bool, targets: bool, columns: Any) -> str:
    """Return the task of a run, from a saved model or the options, or "auto" if neither states one.

    Raises
    ------
    ConfigError
        If the options don't go together, or with the model.
    """
    asked = "auto" if task == "auto" else kind_with(task, at="--task").task
    without_labels = next((kind.task for kind in own_kinds() if not kind.answer.needed), "")
    several = next((kind.task for kind in own_kinds() if "outputs" in kind.can), "")
    for given, implied, option in ((anomalies, without_labels, "--anomalies"), (targets, several, "--targets")):
        if (
            given
            and not (targets and asked != "auto" and "layers" in kind_with(asked).can)
            and asked not in ("auto", implied)
        ):
            raise ConfigError(
                expected=f"no {option} with --task {task}", got=option, at=option, help="Leave one of the two out."
            )
        asked = implied if given else asked
    if known is not None:
        _check_known(kind_of(known), asked, task)
        return str(known.task)
    if asked == "auto" and columns is not None and (names := columns_in(columns)):
        name = names[0]
        able = [
            kind.word for kind in own_kinds() if kind.answer.table and name in [one.name for one in kind.answer.fields]
        ]
        raise ConfigError(
            expected=f"--task {' or '.join(able)} with --{name}", got="no --task", at="--task", help="Add one of them."
        )
    return asked


def saved(model: Path | None, kind: Kind) -> Any:
    """Load a model of this kind, or return None if the file doesn't exist.

    Raises
    ------
    ConfigError
        If it holds another kind.
    """
    if model is None or not model.exists():
        return None
    known = load_model(model)
    _check_known(kind_of(known), kind.task, kind.word)
    return known


def _check_known(kind: Kind, asked: str, task: str) -> None:
    """Refuse a saved model of another kind than the one that is asked for."""
    if asked in ("auto", kind.task):
        return
    wanted = kind_with(asked)
    raise ConfigError(
        expected=f"a file that holds {wanted.one}",
        got=f"{kind.one}, of --task {kind.word}",
        at="--model",
        help=f"Name another --model, or go on with --task {kind.word}.",
    )


def kind_of_run(task: str, known: Any, report: Path | None, delay: int) -> Kind:
    """Return the kind of a run.

    Raises
    ------
    ConfigError
        If a run of this kind can't have what is asked for.
    """
    kind = kind_of(known) if known is not None else kind_with(task)
    asked = (
        ("--report", report is not None, kind.cannot("report")),
        ("--delay", delay > 0, kind.cannot("delay")),
    )
    for option, given, way_out in asked:
        if given and way_out is not None:
            raise ConfigError(
                expected=f"no {option} with {kind.one}",
                got=option,
                at="headwater learn",
                help=way_out,
                code="kind",
            )
    return kind
