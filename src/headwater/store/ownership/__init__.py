"""Exclusive ownership of a store's file by one process, with a lock that nothing else in the process can drop."""

from .lock_file import LockFile
from .owned_file import IN_USE, OwnedFile, read_head, reading
from .registry import is_open_here

__all__ = ["IN_USE", "LockFile", "OwnedFile", "is_open_here", "read_head", "reading"]
