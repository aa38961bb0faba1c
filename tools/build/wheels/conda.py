"""The recipe for conda-forge, with the version and the digest of an sdist."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tools.build.core import ROOT

RECIPE = ROOT / "deploy" / "conda" / "recipe.yaml"


def recipe(sdist: Path) -> str:
    """Return the recipe that builds a package from an sdist on PyPI."""
    version = sdist.name.removeprefix("headwater-").removesuffix(".tar.gz")
    text = RECIPE.read_text(encoding="utf-8")
    for name, value in (("version", version), ("sha256", hashlib.sha256(sdist.read_bytes()).hexdigest())):
        text, count = re.subn(rf'^  {name}: ".*"$', f'  {name}: "{value}"', text, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"expected one line with {name} in the context, got {count} — at {RECIPE}.")
    return text
