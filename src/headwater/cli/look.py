"""``headwater look`` shows how the columns of a source are read, before anything is learned."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.console import Console

from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_sources, split_names
from headwater.streams.readers.dtypes.inference import LOOK
from headwater.streams.readers.look import look as look_at

__all__ = ["look"]


def look(
    *source: Source,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Show how the columns of a source are read, what else they could be, and what is odd, before anything is learned.

    Parameters
    ----------
    source
        Files, folders, patterns, a data set, or - for standard input.
    target
        The column of the labels; columns that tell it are marked.
    json
        Print JSON instead of a table.
    """
    check_sources(source, "look")
    reading = reading or ReadingOptions()
    found = look_at(
        source[0] if len(source) == 1 else list(source),
        target=target,
        rows=reading.limit or LOOK,
        drop=split_names(reading.drop),
        text=split_names(reading.text),
        **reading.forms(),
    )
    if json:
        sys.stdout.write(msgspec.json.encode(found.as_dict(), enc_hook=str).decode() + "\n")
        return 0
    Console(highlight=False, soft_wrap=True).print(repr(found), markup=False)
    return 0
