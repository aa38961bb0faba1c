"""The command line: ``headwater learn``, ``predict``, ``show``. One file a command; each is imported when it is run."""

from headwater.cli.main import main

__all__ = ["main"]
