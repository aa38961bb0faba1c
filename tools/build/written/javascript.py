"""What JavaScript repeats of Python's declarations, written from them: ``js/declare/declared.mjs``.

Fields and defaults of layers, losses, update rules, schedules and experts, constants of activations, the settings of a
learner, the default pools, and what kinds say that no page can hold are declared once, in Python. After a change there:

    python -m tools.build.written.javascript
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from tools.build.core import ROOT

DECLARED = ROOT / "js" / "declare" / "declared.mjs"
HEAD = (
    "// Written by tools/build/written/javascript.py from the declarations in src/headwater. After a change there:\n"
    "//   python -m tools.build.written.javascript\n"
)
HELD = ("Classifier", "Regressor")
"""Kinds that ``js/whole.mjs`` makes and loads."""
OPEN_KIND = "Open it with openKind of kinds.mjs."


def write(path: Path = DECLARED) -> Path:
    """Write the module, if it is not as it should be already."""
    text = module()
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
    return path


def module() -> str:
    """Return the module's text."""
    from headwater import Classifier, _core, nn
    from headwater.kinds import KINDS
    from headwater.kinds.fleet.base import INSTEAD
    from headwater.learner.settings.default_pool import CELLS, EFFORTS, KNOTS, LEAN, pool
    from headwater.learner.settings.setup import DEFAULT_OPTIMIZER, RING
    from headwater.nn.core.declaration import IMAGE, KERNEL, LAYER_KINDS
    from headwater.nn.optimizers.base import SHARES
    from headwater.plain import ACTIVATIONS, LOSSES

    layers, rules = list(nn.LAYERS.values()), list(nn.OPTIMIZERS.values())
    others = [*nn.SCHEDULES, nn.Initializer, nn.Loss, nn.Expert]
    exports: dict[str, tuple[str, Any]] = {
        "LAYERS": ("Classes of layers.", _names(layers)),
        "LAYER_KINDS": (
            "The core's numbers for them, for an image as what is read, and for what a convolution or a pool sees at once.",
            {c.__name__: LAYER_KINDS[c] for c in layers} | {"Image": IMAGE, "Kernel": KERNEL},
        ),
        "VERSION": ("The version of declarations that parts have tags in.", _core.VERSION),
        "TAGS": ("Tags of parts.", {name: tag for name, tag, _ in _core.BLOCKS if name in ("lean", "text")}),
        "OPTIMIZERS": ("Classes of update rules.", _names(rules)),
        "SCHEDULES": ("Classes of schedules.", _names(nn.SCHEDULES)),
        "NEEDED": (
            "Fields without a default, of each class.",
            {c.__name__: _needed(c) for c in [*layers, *rules, *others]},
        ),
        "DEFAULTS": (
            "The others, with their defaults.",
            {c.__name__: _defaults(c) for c in [*layers, *rules, *others]},
        ),
        "ACTIVATIONS": (
            "Each activation's own constant, and the initializer of a layer in front of it.",
            {name: [row.default, row.initializer] for name, row in ACTIVATIONS.items()},
        ),
        "LOSSES": ("Each loss's own constant.", {name: row.default for name, row in LOSSES.items()}),
        "INITIALIZERS": ("Names of initializers.", list(nn.INITIALIZERS)),
        "SHARES": ("Shares of the past that are kept: at 1 nothing new would ever count.", list(SHARES)),
        "SETTINGS": (
            "The settings of a learner with their defaults; each kind has its own loss.",
            {name: value for name, value in _defaults(Classifier).items() if name not in Classifier.later}
            | {"loss": None},
        ),
        "SINGLE_RULE": ("The update rule of a single net.", _plain(DEFAULT_OPTIMIZER)),
        "POOLS": (
            "Experts of the default pool by effort, without their output layers.",
            {effort: _plain(pool(effort)) for effort in EFFORTS},
        ),
        "LOG_LINKS": (
            "And those that join them where answers are numbers with a mean.",
            {effort: _plain(pool(effort, numbers=True)[len(pool(effort)) :]) for effort in EFFORTS},
        ),
        "KNOTS": ("Knots of the curve of each numeric column.", KNOTS),
        "CELLS": (
            "Cell tables and the tests of each by effort, for the experts that have them.",
            {e: list(own) for e, own in CELLS.items()},
        ),
        "LEAN": (
            "Lean learning of a default pool: smallest gradient of a step, smallest weight of replays, factor of steps apart.",
            {answers: list(own) for answers, own in LEAN.items()},
        ),
        "ELSEWHERE": (
            "What to do with a file of each kind that this module does not hold.",
            {kind.name: kind.cannot("web") or OPEN_KIND for kind in KINDS if kind.name not in HELD}
            | {"Fleet": INSTEAD["web"]},
        ),
        "RING": ("How many of the last samples are kept for replay.", RING),
    }
    parts = [f"/** {says} */\nexport const {name} = {_text(value)};\n" for name, (says, value) in exports.items()]
    return "\n".join([HEAD, *parts])


def _names(classes: Any) -> list[str]:
    return [cls.__name__ for cls in classes]


def _needed(cls: Any) -> list[str]:
    return [field.name for field in fields(cls) if field.init and field.default is MISSING]


def _defaults(cls: Any) -> dict[str, Any]:
    return {field.name: _plain(field.default) for field in fields(cls) if field.init and field.default is not MISSING}


def _plain(value: Any) -> Any:
    """Return a declared thing as JavaScript takes it: its name and the fields that differ from the default."""
    from headwater import nn

    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    own = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if getattr(value, f.name) != f.default}
    if isinstance(value, nn.Expert):
        return own
    if isinstance(value, nn.Optimizer):
        own = {"name": value.rule.name, **own}
    elif not isinstance(value, nn.Activation | nn.Loss):
        own = {"name": type(value).__name__, **own}
    return own["name"] if list(own) == ["name"] else own


def _text(value: Any) -> str:
    """Return a value as JavaScript; an object has a line for each of its fields."""
    if isinstance(value, dict):
        return "{\n" + "".join(f"  {name}: {_line(item)},\n" for name, item in value.items()) + "}"
    return _line(value)


def _line(value: Any) -> str:
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return "[\n" + "".join(f"    {_line(item)},\n" for item in value) + "  ]"
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


if __name__ == "__main__":
    print(write())
