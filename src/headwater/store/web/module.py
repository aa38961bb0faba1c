"""Locate the files of the JavaScript module."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ModelFileError

__all__ = ["LOADS", "NAMES", "OF_KINDS", "WORDS", "module_folder", "shared_folder"]

LOADS = {
    "predict": ("headwater.mjs", "predict.wasm"),
    "learn": ("learn.mjs", "lean.wasm"),
    "explain": ("learn.mjs", "whole.mjs", "headwater.wasm"),
}
"""What a page loads to predict, and besides when it is asked to learn and to explain."""
NAMES = tuple(dict.fromkeys(name for names in LOADS.values() for name in names))
"""A page loads the first file, which loads the others from the same folder when it needs them."""

OF_KINDS = ("kinds.mjs", "kinds.wasm")
"""What the page of another kind loads at once: the module with all kinds, and the core with the parts of all of them."""

WORDS = ("verdict.mjs", "phrases.mjs")
"""What says the verdict, on an exported page as on those that are served."""


def shared_folder() -> Path:
    """Return the folder that holds what pages of all kinds have in common."""
    return Path(__file__).with_name("shared")


def module_folder(names: tuple[str, ...] = NAMES) -> Path:
    """Return the folder that holds these files.

    Wheels and sdists include them. In a checkout, ``python -m tools.build.web`` builds them, which ``make`` calls.

    Raises
    ------
    ModelFileError
        If this installation was built without them.
    """
    folder = Path(__file__).with_name("module")
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ModelFileError(
            expected="headwater built with its files for pages",
            got=f"no {' and no '.join(missing)}",
            at=str(folder),
            help="Install a wheel, or in a checkout run pip install ziglang and python -m tools.build.web.",
        )
    return folder
