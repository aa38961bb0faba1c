"""Export a model as a folder of static files for any web server, which predicts and keeps learning on the device."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from headwater.errors import ConfigError, writing_folder
from headwater.store.web.module import NAMES, module_folder

__all__ = ["MODEL", "export_page"]

MODEL = "model.hw.z"
"""The packed model. Servers tell browsers that .gz is packed, which then unpack it by themselves; of this name they don't."""
EARLIER = "model.hw"
"""What an export of an earlier version has in its place."""

CORES = {"float32": "headwater.wasm", "float64": "headwater64.wasm"}
"""Core by number type. In the exported folder it is always named headwater.wasm."""


LEARNS = "lean.wasm"
"""The file that only a page which goes on learning has."""


def export_page(model: bytes, folder: Path, *, dtype: str, learns: bool = True) -> list[str]:
    """Write a page with a model to a folder and return the names of its files.

    Parameters
    ----------
    model : bytes
        The model file of a classifier or a regressor, or what ``reduced`` makes of one.
    folder : Path
        A new or empty folder, or an earlier export, whose files are replaced.
    dtype : str
        The model's number type, "float32" or "float64".
    learns : bool
        Whether the page can teach the model, which ``reduced`` has not reduced.

    Raises
    ------
    ConfigError
        If the folder holds other files.
    ModelFileError
        If this installation was built without the files for pages, or the folder can't be written.
    """
    page = Path(__file__).with_name("page")
    module = module_folder()
    sources = {path.name: path for path in sorted(page.iterdir()) if path.is_file()}
    sources |= {name: module / name for name in NAMES} | {"headwater.wasm": module / CORES[dtype]}
    known = {*sources, MODEL, EARLIER}
    if not learns:
        del sources[LEARNS]
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
