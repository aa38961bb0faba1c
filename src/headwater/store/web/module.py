"""Where the two files of the JavaScript module lie."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ModelFileError

__all__ = ["NAMES", "module_folder"]

NAMES = ("headwater.mjs", "headwater.wasm")
"""A page loads the first, which loads the second from beside it."""


def module_folder() -> Path:
    """Return the folder that holds the files in ``NAMES``.

    Wheels and sdists contain them. A checkout gets them from ``python -m tools.build.web``, which ``make`` calls.

    Raises
    ------
    ModelFileError
        When this installation was built without them.
    """
    folder = Path(__file__).with_name("module")
    missing = [name for name in NAMES if not (folder / name).is_file()]
    if missing:
        raise ModelFileError(
            expected="headwater built with its files for pages",
            got=f"no {' and no '.join(missing)}",
            at=str(folder),
            help="Install a wheel; or in a checkout: pip install ziglang, then python -m tools.build.web.",
        )
    return folder
