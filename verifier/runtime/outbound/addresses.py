"""Where an agent may connect to: the form of a base address, and which numeric addresses are the open internet.

Promises:

1. A base address is ``https://host[:port]/path/`` in the one spelling of :mod:`icard_crypto.lists.uris`; a missing
   final slash is added, nothing else is repaired.
2. Only global unicast addresses are open, unless a network that was allowed by name contains them. Which are not is a
   table of its own (``special_addresses.json``: IANA's special-purpose registries and address spaces, with their date):
   :mod:`ipaddress` knows more of them from one version of Python to the next.
3. An IPv6 address that carries an IPv4 address (mapped, 6to4, Teredo, NAT64 of RFC 6052, ISATAP of RFC 5214) is judged
   by that one too.
"""

from __future__ import annotations

import functools
import ipaddress
import json
from collections.abc import Iterable
from importlib import resources
from typing import Final, TypeAlias

from icard_crypto.errors import DecodeError, StateError
from icard_crypto.lists.uris import check_prefix

__all__ = ["Network", "check_base_url", "is_allowed", "networks"]

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Bits 64 to 95 of an ISATAP address (RFC 5214, section 6.1), its local or universal form.
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
#: All that IANA hands out as global unicast (IPv6 address space, RFC 4291).
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")


def check_base_url(url: str) -> str:
    """The base address with its final slash.

    Raises:
        StateError: ``sync.url``, with the fault of :mod:`icard_crypto.lists.uris`.
    """
    url = url if url.endswith("/") else f"{url}/"
    try:
        check_prefix(url, "url")
    except DecodeError as fault:
        raise StateError("sync.url", path="url", expected=fault.expected, found=fault.found) from fault
    return url


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, such as ``10.0.0.0/8``; a single address is a network of one.

    Raises:
        StateError: ``sync.network``.
    """
    made = []
    for text in texts:
        try:
            made.append(ipaddress.ip_network(text))
        except ValueError:
            raise StateError("sync.network", expected="such as 10.0.0.0/8", found=text[:64]) from None
    return tuple(made)


def is_allowed(address: str, allowed: Iterable[Network] = ()) -> bool:
    """Whether an agent may connect to a numeric address (promises 2, 3)."""
    try:
        # A zone (fe80::1%eth0) names a link of this machine: what has one is not the internet.
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(parsed in network for network in allowed):
        return True
    return all(_is_open(each) for each in (parsed, *_carried(parsed)))


@functools.cache
def _closed() -> tuple[Network, ...]:
    """Networks that are not open."""
    table = json.loads((resources.files(__package__) / "special_addresses.json").read_text("utf-8"))
    return tuple(ipaddress.ip_network(row["network"]) for row in table["closed"])


def _is_open(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST and address not in _NAT64:
        return False
    return not any(address in network for network in _closed())


def _carried(address: _Address) -> list[_Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[_Address] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found += address.teredo
    if int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found
