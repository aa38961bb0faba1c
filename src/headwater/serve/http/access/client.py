"""Client addresses for limits, and trusted proxies."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from headwater.errors import ConfigError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=4096)
def client_key(host: str) -> str:
    """Return the key a client is counted by, its IPv4 address or IPv6 /64 network.

    Examples
    --------
    >>> client_key("192.0.2.7"), client_key("2001:db8::1:2:3:4") == client_key("2001:db8::5")
    ('192.0.2.7', True)
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def read_proxies(words: str) -> tuple[Network, ...]:
    """Parse a list of networks such as ``127.0.0.1,10.0.0.0/8``.

    Raises
    ------
    ConfigError
        If an item is neither an address nor a network.
    """
    found = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as error:
            raise ConfigError(
                expected="addresses or networks of proxies, with commas between",
                got=word,
                at="--proxies",
                help="Write, e.g.: 127.0.0.1,10.0.0.0/8",
            ) from error
    return tuple(found)


def is_among(host: str, networks: tuple[Network, ...]) -> bool:
    """Return whether an address is in one of the networks."""
    if not networks:
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in networks)


__all__ = ["Network", "client_key", "is_among", "read_proxies"]
