"""The version of headwater, which the command says before anything heavy is loaded."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def own_version() -> str:
    """Return the installed version of headwater, or ``"0+unknown"`` where its sources are used without being installed.

    Examples
    --------
    >>> own_version() == version("headwater") if own_version() != "0+unknown" else True
    True
    """
    try:
        return version("headwater")
    except PackageNotFoundError:
        return "0+unknown"
