"""Export a model as a folder of static files for any web server, which predicts and keeps learning on the device."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from headwater.errors import ConfigError, writing_folder
from headwater.store.web.module import NAMES, OF_KINDS, module_folder

__all__ = ["MODEL", "export_page", "has_view"]

_PAGE, _VIEWS, _SHARED = (Path(__file__).with_name(name) for name in ("page", "kinds", "shared"))

MODEL = "model.hw.z"
"""The packed model. Servers tell browsers that .gz is packed, which then unpack it by themselves; of this name they don't."""
EARLIER = "model.hw"
"""What an export of an earlier version has in its place."""

CORES = {"float32": "headwater.wasm", "float64": "headwater64.wasm"}
"""Core by number type. In the exported folder it is always named headwater.wasm."""
KINDS = {"float32": "kinds.wasm", "float64": "kinds64.wasm"}
"""The core with the parts of all kinds. In the exported folder of a kind it is always named kinds.wasm."""
LEARNS = "lean.wasm"
"""The file that only a page which goes on learning has. Where a state is carried from row to row it has the parts of all kinds."""


def export_page(
    model: bytes, folder: Path, *, dtype: str, learns: bool = True, kind: str = "", carries: bool = False
) -> list[str]:
    """Write a page with a model to a folder and return the names of its files.

    Parameters
    ----------
    model : bytes
        The model file, or what ``reduced`` makes of one.
    folder : Path
        A new or empty folder, or an earlier export, whose files are replaced.
    dtype : str
        The model's number type, "float32" or "float64".
    learns : bool
        Whether the page can teach the model, which ``reduced`` has not reduced.
    kind : str
        The name of the kind, where it has a view of its own (``has_view``).
    carries : bool
        Whether the model carries a state from row to row, for which the core needs the parts of all kinds.

    Raises
    ------
    ConfigError
        If the folder holds other files.
    ModelFileError
        If this installation was built without the files for pages, or the folder can't be written.
    """
    sources = _of_kind(kind, dtype) if has_view(kind) else _of_rows(dtype, learns=learns, carries=carries)
    known = {*_files(), MODEL, EARLIER}
    names = sorted([*sources, MODEL])
    with writing_folder(folder):
        others = sorted(path.name for path in folder.iterdir() if path.name not in known) if folder.exists() else []
        if others:
            raise ConfigError(
                expected="a new or empty folder, or an earlier export",
                got=f"one with {others[0]}" + (f" and {len(others) - 1:,} more" if others[1:] else ""),
                at=str(folder),
                help="Name another folder.",
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in sources.items():
            shutil.copyfile(source, folder / name)
        (folder / MODEL).write_bytes(gzip.compress(model, mtime=0))
        for name in known - set(names):
            (folder / name).unlink(missing_ok=True)
    return names


def has_view(kind: str) -> bool:
    """Return whether a kind has a view of its own, in the words of its questions."""
    return bool(kind) and (_VIEWS / f"{kind.lower()}.mjs").is_file()


def _of_rows(dtype: str, *, learns: bool, carries: bool) -> dict[str, Path]:
    """Return the files of the page that asks for a row and says a class or a number, by their names in the folder."""
    module = module_folder()
    sources = {path.name: path for folder in (_PAGE, _SHARED) for path in sorted(folder.iterdir()) if path.is_file()}
    sources |= {name: module / name for name in NAMES} | {"headwater.wasm": module / CORES[dtype]}
    if carries:
        kinds = module_folder(OF_KINDS)
        sources |= {LEARNS: kinds / KINDS[dtype], "whole.mjs": kinds / "kinds.mjs"}
        del sources["headwater.wasm"]
    elif not learns:
        del sources[LEARNS]
    return sources


def _of_kind(kind: str, dtype: str) -> dict[str, Path]:
    """Return the files of a kind's own page."""
    module = module_folder(OF_KINDS)
    names = ("index.html", "main.mjs", "worker.mjs", "words.mjs", "questions.mjs", f"{kind.lower()}.mjs")
    own = {name: _VIEWS / name for name in names} | {path.name: path for path in sorted(_SHARED.iterdir())}
    return own | {"kinds.mjs": module / "kinds.mjs", "kinds.wasm": module / KINDS[dtype]}


def _files() -> set[str]:
    """Return the names of all files that an export may have."""
    return {path.name for folder in (_PAGE, _VIEWS, _SHARED) for path in folder.iterdir()} | {*NAMES, *OF_KINDS}
