"""Write a learner as a program in C for a microcontroller."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from headwater.errors import writing_folder
from headwater.errors._version import own_version
from headwater.interop.device.frameworks import frameworks
from headwater.interop.device.layout import Layout, form_of
from headwater.interop.device.net import net_declared, net_model, net_source
from headwater.interop.device.sources import own
from headwater.interop.device.whole import Whole
from headwater.interop.device.whole_source import whole_declared, whole_model, whole_source

__all__ = ["FILES", "export_device"]

FILES = ("headwater.c", "headwater.h", "model.c", "example.c", "Makefile")
"""What is written, beside what makes the folder a library of Arduino, a module of Zephyr and a user module of MicroPython."""


class _Writing(NamedTuple):
    """How a form is written: what the header declares and says of memory, the core, and the state."""

    declared: Callable[[Any], list[str]]
    source: Callable[[Any], str]
    model: Callable[[Any, bytes], str]
    memory: str


_WRITING: dict[type, _Writing] = {
    Layout: _Writing(
        net_declared,
        net_source,
        net_model,
        " beside one hw_learner (less than 1,000 bytes where pointers have 32 bits) and\n * the stack, never any heap.",
    ),
    Whole: _Writing(whole_declared, whole_source, whole_model, ", its arena, beside the stack, and never any heap."),
}


def export_device(learner: Any, folder: Path, *, explain: bool = False) -> dict[str, int]:
    """Write a learner as C sources, and return what it takes on a device.

    Parameters
    ----------
    learner : Classifier, Regressor, Anomaly or Forecaster
        One of float32 that has learned from rows of numbers. The memory of a single net is known beforehand; anything else is
        held in an arena.
    folder : Path
        Where ``FILES`` go. Other files in it stay.
    explain : bool
        Add ``model_explain``, which attributes a prediction, or a score of an anomaly model, to the columns.

    Returns
    -------
    dict
        Bytes of ``state``, of ``ram`` (the state, and working memory) and of one area of ``flash`` for saves.

    Raises
    ------
    ConfigError
        If a device can't hold this learner. The message says what to train instead.
    ModelFileError
        If the folder can't be written.

    Examples
    --------
    >>> import headwater as hw, tempfile
    >>> model = hw.Classifier(hidden=4, seed=1)
    >>> for i in range(20):
    ...     model.learn_one({"x": i % 5}, i % 2)
    >>> folder = Path(tempfile.mkdtemp())
    >>> sizes = export_device(model, folder)
    >>> all((folder / name).is_file() for name in FILES)
    True
    >>> sorted(path.name for path in folder.iterdir() if path.name not in FILES)
    ['examples', 'library.properties', 'micropython_module', 'src', 'zephyr']
    """
    form = form_of(learner, explain=explain)
    write, state = _WRITING[type(form)], form.image(learner)
    sizes = {"state": form.state_bytes, "ram": form.ram, "flash": form.state_bytes + 24}
    texts = {
        "headwater.h": _header(form, form.identity(state), sizes) + own("model.h"),
        "headwater.c": write.source(form),
        "model.c": write.model(form, state),
        "example.c": own("example.c"),
        "Makefile": own("model.mk"),
        **frameworks(_names(form)),
    }
    with writing_folder(folder):
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    return sizes


def _header(form: Layout | Whole, number: int, sizes: dict[str, int]) -> str:
    classes = [f" *   {i}  {_plain(label)}" for i, label in enumerate(form.classes)]
    labels = [" * Classes, by the number that model_learn takes:", *classes] if classes else []
    named = [
        f"    MODEL_{name} = {i}, /* {_plain(column)} */" for i, (name, column) in enumerate(_identifiers(form.columns))
    ]
    write = _WRITING[type(form)]
    rows = [
        f"/* A model that goes on learning, written by headwater {own_version()}.",
        " *",
        f" * It takes {sizes['ram']:,} bytes of RAM{write.memory}",
        *labels,
        " */",
        "#ifndef HEADWATER_MODEL_H",
        "#define HEADWATER_MODEL_H",
        "",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"#define MODEL_ID UINT64_C(0x{number:016X})",
        f"#define MODEL_INPUTS {len(form.columns)}",
        f"#define MODEL_OUTPUTS {form.outputs}",
        f"#define MODEL_CLASSES {len(form.classes)} /* 0: a number is predicted */",
        f"#define MODEL_SCORES {int(form.scores)} /* 1: rows are learned alone, and how unusual one is is predicted */",
        *(["#define MODEL_EXPLAINS 1"] if form.explained else []),
        f"#define MODEL_STATE_BYTES {sizes['state']}",
        f"#define MODEL_FLASH_BYTES {sizes['flash']} /* of one of two areas */",
        "",
        *(["/* Columns: what stands where in a row. */", "enum {", *named, "};", ""] if named else []),
        *write.declared(form),
    ]
    return "\n".join(rows) + "\n"


def _names(form: Layout | Whole) -> str:
    """Return columns and classes as MicroPython makes them."""
    lines = ["/* Columns and classes, as MicroPython knows them. */"]
    for macro, values in (("COLUMN", form.columns), ("CLASS", form.classes)):
        cases = [f"    case {i}: return {_object(value)};" for i, value in enumerate(values)]
        name = macro.lower()
        lines += [
            f"static inline mp_obj_t {name}_at(size_t i)",
            "{",
            "    switch (i) {",
            *cases,
            "    default: return mp_const_none;",
        ]
        lines += ["    }", "}", f"#define {macro}(i) {name}_at(i)"]
    return "\n".join(lines) + "\n"


def _object(value: Any) -> str:
    """Return how C makes a name or a label as an object of MicroPython."""
    if isinstance(value, bool):
        return "mp_const_true" if value else "mp_const_false"
    if isinstance(value, int):
        return f"mp_obj_new_int_from_ll(INT64_C({value}))"
    if isinstance(value, float):
        return f"mp_obj_new_float((mp_float_t){value.hex()})"
    text = str(value).encode()
    letters = "".join(f"\\{byte:03o}" for byte in text)
    return f'mp_obj_new_str("{letters}", {len(text)})'


def _plain(value: Any) -> str:
    """Return a name or a label as a comment may hold it."""
    return str(value).encode("unicode_escape").decode("ascii").replace("*/", "* /")


def _identifiers(columns: list[Any]) -> list[tuple[str, Any]]:
    """Return a C name for each column, with its own name."""
    found: dict[str, Any] = {}
    for i, column in enumerate(columns):
        name = "COLUMN_" + re.sub(r"\W", "_", str(column), flags=re.ASCII).upper()
        found[name if name not in found else f"{name}_{i}"] = column
    return list(found.items())
