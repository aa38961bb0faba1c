"""Which files the project has: those that an sdist holds, whether they lie in a clone of the repository or in an unpacked sdist."""

from __future__ import annotations

from pathlib import Path

from hatchling.builders.sdist import SdistBuilder
from tools.build.core import ROOT


def listed(root: Path = ROOT) -> list[str]:
    """Return the files that .gitignore does not leave out, without what was built for pages."""
    builder = SdistBuilder(str(root))
    built = {
        Path(path)
        for pattern in builder.config.build_config.get("artifacts", ())
        for path in root.glob(pattern.strip("/"))
    }
    files = sorted(Path(one.path) for one in builder.recurse_included_files())
    return [path.relative_to(root).as_posix() for path in files if path not in built and path.name != "PKG-INFO"]
