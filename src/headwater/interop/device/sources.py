"""Find the sources of the C core, and join those that a model needs into one text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from headwater.errors import ModelFileError

__all__ = [
    "SWITCHES",
    "amalgamated",
    "arithmetic",
    "core_files",
    "core_folder",
    "definition",
    "fixed",
    "joined",
    "own",
    "without",
]

_INCLUDE = re.compile(r'^#include "([^"]+)"[^\n]*\n', re.MULTILINE)
_ALONE = re.compile(r"^#ifndef HW_LEARNER_H /\* alone\b.*?^#endif\n", re.MULTILINE | re.DOTALL)
"""What a file has only for those who read it by itself."""
_LEFT_OUT = ("kernels/batch.c", "kernels/kinds/anomaly.c", "kernels/kinds/agent.c")
"""What arrays and other kinds of learners alone need."""
_OF_SERVERS = (
    *(
        "learners/merge.c",
        "learners/fleet.c",
        "parts/text/merge_text.c",
        "parts/privacy/private.c",
        "parts/left_out.c",
        "rows/rolling.c",
        "state/inside.c",
    ),
)
"""What no single learner needs."""
_OF_ARRAYS = (
    "kernel_learn_array",
    "kernel_forward",
    "kernel_gradient",
    "kernel_apply",
    "kernel_sequence",
    "kernel_pairs",
)
_MOST_HORIZON = "HW_MOST_HORIZON = 1024"
"""Of any forecaster. As long are arrays on the stack."""
_OF_LABELS = ("kernel_learn", "kernel_find_cells")
_SUCCEEDING = frozenset(("relevance", "units", "succession"))
"""Parts that a learner begins which succeeds another."""
_STATIC = re.compile(r"^(?:static [^;=({]*?|HW_SELECT_RANK\()\b(\w+)(?=\(|\[|\s*=|;|,)", re.MULTILINE)
_SEVERAL = re.compile(r"^static (?:const )?\w+ ([^;(]*);", re.MULTILINE)
_MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
_TYPE = re.compile(r"^typedef struct (\w+)", re.MULTILINE)
_ENUM = re.compile(r"^(?:typedef )?enum (?:\w+ )?\{(.*?)\}", re.MULTILINE | re.DOTALL)
_EXPERT = r"\b(?:e|x|u->e|g->step->e|l->expert\[\w+\])(?:->|\.)"
"""How the kernels write the expert that they compute, or that of an update."""

SWITCHES = """
/* Products and sums are rounded each by itself, whatever the options say: else the bits were not those of other machines. */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("fp-contract=off", "no-math-errno", "no-trapping-math")
#endif
#define HW_LEVEL 1
#define HW_DOUBLE 0
#define HW_ONE_LEVEL
#define HW_FLOAT_ONLY
#if defined __clang__ || defined __GNUC__
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-const-variable"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wpsabi"
#pragma GCC diagnostic ignored "-Wdouble-promotion"
#pragma GCC diagnostic ignored "-Wfloat-conversion"
#pragma GCC diagnostic ignored "-Wdiv-by-zero" /* by the length of a ring that this model has not */
#endif
"""
"""What all exported sources begin with."""


def core_folder() -> Path:
    """Return the folder with the core's sources, which wheels contain.

    Raises
    ------
    ModelFileError
        If this installation lacks them.
    """
    for folder in (Path(__file__).with_name("core"), Path(__file__).parents[4] / "core"):
        if (folder / "kernels.c").is_file():
            return folder
    raise ModelFileError(
        expected="the sources of the core",
        got="an installation without them",
        at=str(Path(__file__).with_name("core")),
        help="Install a wheel or a checkout of headwater.",
    )


def own(name: str) -> str:
    """Return a file of this folder as text."""
    return (Path(__file__).with_name("c") / name).read_text("utf-8")


def arithmetic() -> str:
    """Return square roots and quotients for processors that have none of their own, or not to the last bit."""
    return "#include <stdbool.h>\n#include <string.h>\n" + own("sqrt.h") + own("divide.h")


def _with_own_roots(text: str) -> str:
    return text.replace("__builtin_sqrt", "device_sqrt")


class _Joined:
    """Text of files of the core with everything that they include, each of those with a guard once."""

    def __init__(self, root: Path, left_out: tuple[str, ...] = ()) -> None:
        self.root, self.left_out = root.resolve(), left_out
        self.seen: set[Path] = set()

    def text(self, name: str) -> str:
        """Return a file with what has not been included yet."""
        return self._text(self.root / name)

    def _text(self, path: Path) -> str:
        self.seen.add(path)
        text = _ALONE.sub("", path.read_text("utf-8"))
        return _INCLUDE.sub(lambda found: self._included(path, found[1]), text)

    def _included(self, path: Path, name: str) -> str:
        beside = (path.parent / name).resolve()
        place = beside if beside.is_file() else (self.root / name).resolve()
        guard = rf"^#ifndef \w*{place.stem.upper()}_{place.suffix[1:].upper()}$"
        once = place in self.seen and re.search(guard, place.read_text("utf-8"), re.MULTILINE)
        return "" if once or place.relative_to(self.root).as_posix() in self.left_out else self._text(place)


def joined(root: Path) -> str:
    """Return ``kernels.c`` with everything that it includes, as far as a net of one expert needs it."""
    text = _Joined(root, _LEFT_OUT).text("kernels.c")
    return text[: text.index("#define JOIN_(")]  # then comes the table of kernels for all kinds of calls


def core_files(root: Path) -> list[str]:
    """Return the files of the core that learners on devices are made of, in a stable order."""
    names = [path.relative_to(root).as_posix() for path in root.rglob("*.[ch]")]
    return sorted(name for name in names if name not in _OF_SERVERS)


def without(root: Path, parts: frozenset[str]) -> list[str]:
    """Return the parts whose kernels can be left out and that a learner has not."""
    names = re.findall(r"\bHW_WITHOUT_(\w+)", (root / "kernels.c").read_text("utf-8"))
    return sorted({name for name in names if name not in parts})


def amalgamated(root: Path, parts: frozenset[str], horizon: int, labelled: bool, more: str = "") -> str:
    """Return the whole core as one text, without parts that a learner has not, and more behind its kernels.

    A name that several files have for themselves gets the name of its file in front.
    """
    join = _Joined(root, ("kernels/batch.c",))
    files = [name for name in core_files(root) if name.endswith(".c") and "kernels" not in name]
    texts = {"learner.h": "".join(join.text(name) for name in ("learner.h", "elementary.h", "parts/series/rank.h"))}
    texts |= {name: join.text(name) for name in (*files, "kernels.c")}
    texts["kernels.c"] += more
    own = {name: _own_names(text) for name, text in texts.items() if name != "learner.h"}
    often = {word for word, count in Counter(word for words in own.values() for word in words).items() if count > 1}
    pieces = [texts.pop("learner.h")]
    for name, text in texts.items():
        shared = own[name] & often if Path(name).name != "arrays.c" else set()  # macros of headers use its names
        macros = set(_MACRO.findall(text)) if name != "kernels.c" else set()
        renamed = _renamed(text, shared, Path(name).stem)
        undone = [f"#undef {Path(name).stem}_{one}" if one in shared else f"#undef {one}" for one in sorted(macros)]
        pieces.append("\n".join([f"/* ---- {name} */", renamed, *undone]))
    return _without_absent(
        _with_own_roots("\n".join(pieces)).replace(_MOST_HORIZON, f"HW_MOST_HORIZON = {max(horizon, 1)}"),
        parts,
        labelled,
    )


def _without_absent(text: str, parts: frozenset[str], labelled: bool) -> str:
    """Write NULL for parts that a learner has not and for kernels that it doesn't call, so that compilers leave them out."""
    text = text.replace("WHOLE(function) (HW_WHOLE ? function : NULL)", "WHOLE(function) function")
    for name in _OF_ARRAYS + (() if labelled else _OF_LABELS):
        text = text.replace(f"WHOLE({name})", "NULL").replace(f"HW_LEARNS ? {name} : NULL", "NULL")
    if not labelled:
        text = text.replace("{kernel_predict,", "{NULL,")
    kinds = re.findall(
        r"\bX\((\w+), (hw_\w+)\)", text[text.index("#define HW_KINDS_OF_PARTS") : text.index("#define HW_WORKINGS")]
    )
    kept = parts | (_SUCCEEDING if "succession" in parts else frozenset())
    absent = {name: kind for name, kind in kinds if name not in kept}
    text = _replaced(text, r"(?<![\w.>])l->", {"is_double": "false"} | {name: f"absent_{name}" for name in absent})
    head, table, rest = text.partition("#define ROW(name, type) &hw_part_##name,")
    rest = rest.replace(
        "HW_KINDS_OF_PARTS(ROW)", ", ".join(f"&hw_part_{name if name in kept else 'absent'}" for name, _ in kinds), 1
    )
    nothing = [f"#define absent_{name} ((({kind} *)NULL))" for name, kind in absent.items()]
    return "\n".join([*nothing, head, "static const hw_part hw_part_absent = {0};", table + rest])


def _own_names(text: str) -> set[str]:
    """Return the static functions and variables, macros, types and constants of a file."""
    found = set(_STATIC.findall(text)) | set(_MACRO.findall(text)) | set(_TYPE.findall(text))
    for several in _SEVERAL.findall(text):
        found |= set(re.findall(r"(?:^|,)\s*\**(\w+)", several))
    for constants in _ENUM.findall(text):
        found |= set(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"/\*.*?\*/", "", constants, flags=re.DOTALL)))
    return {word for word in found if word.isidentifier()} - {"const"}


def _renamed(text: str, names: set[str], prefix: str) -> str:
    """Put a prefix before names, except for fields of structs and words in quotes."""
    if not names:
        return text
    words = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return re.sub(rf"""(?<![\w."'#])(?<!->)(?:{words})\b(?!")""", lambda found: f"{prefix}_{found[0]}", text)


def definition(path: Path, name: str) -> str:
    """Return the definition of an array of the core as it stands there."""
    found = re.search(rf"^const \w+ {name}\[[^;]*;", path.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path} defines no {name}")
    return found[0]


def fixed(text: str, learner: dict[str, str], expert: dict[str, str]) -> str:
    """Return the kernels with numbers of the learner and of its expert in the place of the fields that hold them.

    A compiler then leaves out what this model does not need.
    """
    text = _replaced(_replaced(text, r"\bl->", learner), _EXPERT, expert)
    text = re.sub(r"\b(?:u|g->step)->rule\b(?! =)", expert["rule"], text)
    text = re.sub(r"\bfinite\(", "hw_finite(", text)  # the C libraries of GNU compilers know a function of that name
    return _with_own_roots(text)


def _replaced(text: str, prefix: str, fields: dict[str, str]) -> str:
    """Put numbers in the place of fields that are read."""
    names = "|".join(re.escape(name) for name in sorted(fields, key=len, reverse=True))
    field = re.compile(rf"{prefix}({names})\b(?!\s*(?:=[^=]|\[))")
    return field.sub(lambda found: fields[found[1]], text)
