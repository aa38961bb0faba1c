"""Redact user, password and options in addresses."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.errors import ConfigError

__all__ = ["check_arguments", "redact"]


def redact(text: str) -> str:
    """Return an address without its secret parts.

    Everything before the last ``@`` is removed, since an unencoded ``/`` or ``?`` may be part of a password, and so are the
    options.

    Parameters
    ----------
    text
        An address, valid or not.

    Examples
    --------
    >>> redact("redis://me:a/b?c@host/orders?db=1"), redact("kafka://host/orders"), redact("orders.csv")
    ('redis://…@host/orders', 'kafka://host/orders', 'orders.csv')
    """
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    _, at, shown = rest.rpartition("@")
    return f"{scheme}://{'…@' if at else ''}{shown.partition('?')[0]}"


def check_arguments(tokens: Sequence[str], schemes: Sequence[str]) -> None:
    """Raise ConfigError if a command's argument contains an address with a password.

    Parameters
    ----------
    tokens
        Arguments of the command.
    schemes
        Schemes of addresses.

    Raises
    ------
    ConfigError
        With the proper places for a password, since every user of the machine can list arguments.

    Examples
    --------
    >>> check_arguments(["learn", "redis://me@host/orders"], ["redis"])
    """
    for token in tokens:
        address = token.partition("=")[2] if token.startswith("--") else token
        scheme, mark, rest = address.partition("://")
        if not mark or scheme not in schemes or ":" not in rest.rpartition("@")[0]:
            continue
        raise ConfigError(
            expected="an address without a password, since other users can list a command's arguments",
            got=redact(address),
            at="the command line",
            help="Put it into the environment (HEADWATER_REDIS_PASSWORD and so on) or into a file (password_file=FILE). "
            "If others use this machine, change it.",
            code="password_in_arguments",
        )
