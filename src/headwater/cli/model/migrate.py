"""``headwater migrate`` writes what an earlier version saved in today's format."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ModelFileError

__all__ = ["migrate"]


def migrate(file: Path, /, *, write: Path | None = None) -> int:
    """Say what writing a model file or a store in today's format would do; with --write do it, to another path.

    The original is never changed. The result is made and compared with it either way.

    Parameters
    ----------
    file
        A model file, a store, or the store of a fleet.
    write
        Where to write the result: a path where nothing is.
    """
    from headwater.store.service.maintenance.migrate import migrate as migrated

    if not file.is_file():
        raise ModelFileError(
            expected="a model file or a store", got="no such file", at=str(file), help="Check the path."
        )
    one = migrated(file, write)
    print(f"{file}: a {one.what} of format {one.found} with {one.holds}.")
    if one.core:
        print(f"Its learner goes on by the rules of core {one.core}, before and after.")
    if write is not None:
        print(f"{write}: the same in format {one.now}, {one.size:,} bytes, compared.")
    elif one.found == one.now:
        print(f"This version writes format {one.now} too: there is nothing to migrate.")
    else:
        print(f"Nothing was written. --write OUT writes the same in format {one.now}, {one.size:,} bytes.")
    return 0
