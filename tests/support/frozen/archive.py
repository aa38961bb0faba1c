"""The archive of what all versions saved: one, since most of a version's files are nearly those of the version before.

A file lies beside the same one of the other versions, and the filter reckons with numbers of eight bytes: half the bytes of an
archive a version. What is in it never changes; a version is added.
"""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "compatibility"
ARCHIVE = FOLDER / "files.tar.xz"
SAFELY: dict[str, str] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.11.4
FILTERS: list[dict[str, Any]] = [
    {"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 3, "pb": 3, "dict_size": 1 << 24}
]


def versions() -> list[str]:
    """The versions whose files are kept, the oldest first."""
    return sorted(path.name for path in FOLDER.iterdir() if (path / "digests.json").is_file())


def unpack(folder: Path, version: str, archive: Path = ARCHIVE) -> Path:
    """Unpack the files of a version into a folder, and return where they are."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, [one for one in tar if one.name.startswith(f"{version}/")], **SAFELY)
    return folder / version


def add(version: str, folder: Path, archive: Path = ARCHIVE) -> None:
    """Add the files of a folder as those of a version."""
    files = {
        f"{version}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    if archive.exists():
        with tarfile.open(archive) as tar:
            old = {one.name: tar.extractfile(one).read() for one in tar}  # type: ignore[union-attr]
        assert not any(name.startswith(f"{version}/") for name in old), f"{version} is frozen"
        files |= old
    with lzma.open(archive, "wb", filters=FILTERS) as out, tarfile.open(fileobj=out, mode="w") as tar:
        for name in sorted(files, key=lambda name: (name.partition("/")[2], name)):
            one = tarfile.TarInfo(name)
            one.size = len(files[name])
            tar.addfile(one, io.BytesIO(files[name]))


def read(version: str, name: str) -> str:
    """Return a text that lies packed in the folder of a version."""
    with lzma.open(FOLDER / version / f"{name}.xz", "rt", encoding="utf-8") as file:
        return file.read()


def write(version: str, name: str, text: str) -> None:
    """Pack a text into the folder of a version."""
    with lzma.open(FOLDER / version / f"{name}.xz", "wb", preset=9 | lzma.PRESET_EXTREME) as file:
        file.write(text.encode())
