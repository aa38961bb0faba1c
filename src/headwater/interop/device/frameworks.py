"""Write what makes exported sources a library of Arduino, a module of Zephyr and a user module of MicroPython."""

from __future__ import annotations

import re
from pathlib import Path

from headwater.errors._version import own_version

__all__ = ["frameworks"]


def frameworks(names: str) -> dict[str, str]:
    """Return files by their paths in the folder of an export, given columns and classes as MicroPython makes them.

    They include the sources beside them, so that there is one copy. Arduino compiles the folder ``src`` alone where there is one.
    """
    version = re.match(r"\d+\.\d+\.\d+", own_version())
    shims = {f"src/{name}": f'#include "../{name}"\n' for name in ("headwater.h", "headwater.c", "model.c")}
    return shims | {
        "library.properties": _own("library.properties").replace("VERSION", version[0] if version else "0.0.0"),
        "examples/Learn/Learn.ino": _own("Learn.ino"),
        "zephyr/module.yml": _own("module.yml"),
        "zephyr/CMakeLists.txt": _own("CMakeLists.txt"),
        "zephyr/Kconfig": _own("Kconfig"),
        "micropython_module/module.c": _own("module.c"),
        "micropython_module/names.h": names,
        "micropython_module/micropython.mk": _own("micropython.mk"),
    }


def _own(name: str) -> str:
    return (Path(__file__).with_name("boards") / name).read_text("utf-8")
