"""Read schema files."""

from __future__ import annotations

from pathlib import Path

from headwater.errors import ConfigError
from headwater.streams.brokers.address import Address

__all__ = ["read_schema"]


def read_schema(address: Address, what: str) -> bytes:
    """Return the contents of the ``schema=`` file.

    Raises
    ------
    ConfigError
        If the option is missing, or the file can't be read.
    """
    name = address.options.get("schema")
    if not name:
        raise ConfigError(expected=f"schema= {what}", got="none", at=address.at, help="Give the path of the file.")
    try:
        return Path(name).read_bytes()
    except OSError as error:
        got = f"{name}: {error.strerror or error}"
        raise ConfigError(expected=f"schema= {what}", got=got, at=address.at, help="Check the path.") from error
