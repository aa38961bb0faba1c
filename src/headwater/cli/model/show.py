"""``headwater show`` prints the parts of a saved model and what it has learned."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from headwater.cli.options.fleet import member_of
from headwater.cli.options.model import load_model
from headwater.cli.terminal.keys import print_keys
from headwater.errors import counted
from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.looks.scores import key_scores
from headwater.learner.kind import kind_with
from headwater.learner.validation import REASONS

__all__ = ["show"]

_MANY = 20  # maximum features or classes to list


def show(model: Path, /, *, json: bool = False) -> int:
    """Show the parts of a saved model and what it has learned.

    Parameters
    ----------
    model
        The model, as headwater learn has saved it.
    json
        Print JSON instead of tables.
    """
    learner = load_model(model, fleets=True)
    about = learner.describe()
    kind = kind_with(about["task"])
    if isinstance(learner, AnyFleet):
        about |= key_scores(learner)
    if json:
        sys.stdout.write(msgspec.json.encode(about, enc_hook=str).decode() + "\n")
        return 0
    console = Console(highlight=False)
    if isinstance(learner, AnyFleet):
        console.print(
            f"{model}: {counted(about['members'], kind.noun)}, one for each {learner.key}, "
            f"that {'has' if about['members'] == 1 else 'have'} learned {counted(about['n_learned'], 'row')}. The one with most rows:",
            soft_wrap=True,
            markup=False,
        )
        about = member_of(learner).describe() | {"rejected": learner.rejected}
    else:
        console.print(f"{model}: {kind.one} that has learned {counted(about['n_learned'], 'row')}", markup=False)
    tables = [_layers(about)] if "layers" in kind.can else []
    tables += [_features(about["features"])] if about["features"] else []
    for table in tables:
        console.print()
        console.print(table)
    console.print()
    for line in _lines(about):
        console.print(line, soft_wrap=True, markup=False)
    if isinstance(learner, AnyFleet):
        print_keys(learner)
    return 0


def _layers(about: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True)
    table.add_column("layer", footer="all")
    table.add_column("shape", justify="right")
    table.add_column("parameters", justify="right", footer=f"{about['parameters']:,}")
    for layer in about["layers"]:
        shape = " × ".join(f"{n:,}" for n in layer["shape"])
        table.add_row(_short(layer["name"]), shape, f"{layer['parameters']:,}")
    return table


def _short(layer: str) -> str:
    """Return the kind of a layer and its activation, such as ``Dense relu``."""
    return " ".join([layer.partition("(")[0], *re.findall(r"(?:activation|name)='(\w+)'", layer)])


def _features(features: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("feature")
    table.add_column("kind")
    table.add_column("values", justify="right")
    for feature in features[:_MANY]:
        mixed = feature["kind"] in ("number", "time") and feature["values"] > 0  # texts among numbers or dates
        values = f"{feature['values']:,}" if feature["values"] else ""
        kind = f"mixed: {feature['kind']}s and texts" if mixed else feature["kind"]
        table.add_row(str(feature["name"]), kind, values)
    if len(features) > _MANY:
        table.add_row(f"… and {len(features) - _MANY:,} more", "", "")
    return table


def _lines(about: dict[str, Any]) -> Iterable[str]:
    if about["classes"]:
        yield f"Classes: {_some(about['classes'])}"
    if "optimizer" in about:
        yield f"Optimizer: {about['optimizer']}"
        yield f"Loss: {about['loss']}"
    if "max_rows" in about:
        yield f"Input rows: {about['rows']:,} of at most {about['max_rows']:,}"
    if about.get("shared_names"):
        yield f"{about['shared_names']:,} names that came later share {about['shared_rows']:,} of these rows."
    if own := about.get("memory"):
        whose = "" if own["by"] is None else f" by {own['by']}"
        yield f"Memory: {own['units']} complex numbers{whose}; states of {counted(own['keys'], 'key')}, at most {own['most']:,}"
    if own := about.get("expires"):
        clock = f" by {own['time']}" if "time" in own else " rows"
        yield f"Expires: {own['max_age']}{clock}; the oldest row was learned {counted(own['oldest_row'], 'row')} ago"
    if promise := about.get("privacy"):
        yield f"Privacy: {promise}"
    for reason, count in about["rejected"].items():
        yield f"Guarded: {count:,} × {reason}: {REASONS.get(reason, reason)}."


def _some(names: list[Any]) -> str:
    more = f" and {len(names) - _MANY:,} more" if len(names) > _MANY else ""
    return ", ".join(str(name) for name in names[:_MANY]) + more
