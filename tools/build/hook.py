"""What hatchling calls when it builds something: the C core is compiled first, and a wheel's tag says for whom.

``HEADWATER_TARGET`` names another machine, as ``tools.build.wheels`` does. The files for pages are the same on every machine:
the sdist contains them, so that building a wheel from it needs no compiler for WebAssembly. Only an editable install leaves them
out: there ``make`` builds them when they are needed.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tools.build import web
from tools.build.compiler import ZIG, find, zig
from tools.build.core import BUILD, ROOT, SOURCES
from tools.build.extension import PACKAGE, build, tag
from tools.build.wheels import sbom

TARGET = os.environ.get("HEADWATER_TARGET")
CHECKOUT = (ROOT / ".git").exists()
EDITABLE = any("build_editable" in word for word in sys.orig_argv)
"""Whether pip or uv asks for what an editable install needs: hatchling doesn't hand that on, but it stands in how they call it."""


def sources_for_devices() -> dict[str, str]:
    """Return the files of the core that an export to C writes from, and where a wheel has them."""
    files = sorted(SOURCES.rglob("*.[ch]"))
    return {str(path): f"headwater/interop/device/core/{path.relative_to(SOURCES).as_posix()}" for path in files}


class Hook(BuildHookInterface[Any]):
    """Adds the core, its sources for devices and a list of parts to the wheel, and the files for pages to wheel and sdist."""

    def dependencies(self) -> list[str]:
        """Ask for a compiler from PyPI where there is none, and for WebAssembly."""
        pages = self.target_name == "sdist" or (CHECKOUT and not EDITABLE)
        needed = (pages and not find_spec("ziglang")) or not (TARGET or find())
        return [ZIG] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the module: into the checkout for an editable install, else into the wheel."""
        if self.target_name == "sdist" or (CHECKOUT and version != "editable"):
            web.build()
        if self.target_name == "sdist":
            return
        compiler = zig(TARGET) if TARGET else find()
        if compiler is None:
            raise SystemExit(
                f"expected a C compiler (gcc, clang or $CC), got none. Install one, or: pip install '{ZIG}'"
            )
        build_data["pure_python"] = False
        build_data["tag"] = tag(TARGET)
        if version == "editable":
            build(compiler, PACKAGE)
        else:
            made = build(compiler, BUILD / "wheel" / compiler.target)
            build_data["force_include"][str(made)] = f"headwater/{made.name}"
            build_data["force_include"].update(sources_for_devices())
            build_data["sbom_files"].append(str(sbom.written(compiler, made.parent)))
