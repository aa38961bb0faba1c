"""Print what pages load, in bytes as gzip -9 sends them.

python -m tools.build.pages.sizes [FOLDER]
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

from tools.build import web


def size_of(path: Path) -> int:
    """Return how many bytes a file has once gzip has packed it."""
    return len(gzip.compress(path.read_bytes(), 9, mtime=0))


def table(folder: Path) -> str:
    """Return the files of a folder with their sizes, a line each."""
    rows = [(name, (folder / name).stat().st_size, size_of(folder / name)) for name in web.FILES]
    return "\n".join(f"{name:18} {whole:>9,} {packed:>9,}" for name, whole, packed in rows)


if __name__ == "__main__":
    print(table(Path(sys.argv[1]) if sys.argv[1:] else web.MODULE))
