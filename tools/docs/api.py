"""List the public API in docs/api.txt: each public name with its signature, each command with its options, each HTTP address.

    python -m tools.docs.api        # writes the list; a test compares it with the code

What is not in the list is private, whatever its name.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import griffe

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tools" / "docs"))

from website import reference  # noqa: E402 - it lies beside

LIST = ROOT / "docs" / "api.txt"
HEAD = "# The public API, written by `python -m tools.docs.api`. docs/how-to/versions.md says what is promised of it."


def main() -> None:
    """Write the list."""
    LIST.write_text("\n".join([HEAD, *lines()]) + "\n", encoding="utf-8")


def lines() -> list[str]:
    """Return the list without its head."""
    return [*python(), *commands(), *addresses()]


def python() -> Iterator[str]:
    """Yield a line for each public name of the library and each public member of a class."""
    for room in reference.ROOMS:
        module = importlib.import_module(room.module)
        for name in sorted(room.public()):
            yield from named(f"{room.module}.{name}", getattr(module, name))


def named(path: str, thing: Any) -> Iterator[str]:
    """Yield the line of a public name, and those of its members."""
    if not inspect.isclass(thing):
        yield signed(path, thing) if inspect.isfunction(inspect.unwrap(thing)) else path
        return
    yield signed(path, thing)
    for member in reference.members(thing):
        home = next(base for base in thing.__mro__ if member in vars(base))
        yield signed(f"{path}.{member}", home, member)


def signed(path: str, thing: Any, member: str = "") -> str:
    """Return a name with parameters and what is returned, as the source says them; of a property, with its type."""
    source = f"{thing.__module__}.{thing.__qualname__}".removeprefix("headwater.")
    if "[" in source or not thing.__module__.startswith("headwater"):
        return path  # an alias of another library's class
    found = package()[source].all_members[member] if member else package()[source]
    if found.is_attribute:
        return f"{path}: {found.annotation}" if found.annotation else path
    return re.sub(r"\((?:self|cls)(?:, |(?=\)))", "(", str(found.signature(name=path)), count=1)


@cache
def package() -> Any:
    """Return the sources as they are read, not imported."""
    return griffe.load("headwater", search_paths=[ROOT / "src"], allow_inspection=False)


def commands() -> Iterator[str]:
    """Yield a line for each command, with its options."""
    for part in re.split(r"^#+ (?=headwater )", reference.cli_page(), flags=re.MULTILINE)[1:]:
        name, _, rest = part.partition("\n")
        options = sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)))
        yield " ".join([f"$ {name}", *options])


def addresses() -> Iterator[str]:
    """Yield a line for each address of the server."""
    from headwater.serve.app import ADDRESSES

    yield from sorted(f"{it.method} {it.path}" for it in ADDRESSES)


if __name__ == "__main__":
    main()
