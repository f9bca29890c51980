"""icard's native core. icard itself imports it where it is installed; there is nothing here to call by hand.

It verifies only and never signs. What it is for and how it is kept safe: docs/native.md of icard.
"""

from .icard_native import (
    INTERFACE,
    Book,
    Ed25519Key,
    Keyring,
    Precedents,
    Reader,
    __version__,
    engines,
    is_acceptable_point,
)

__all__ = [
    "INTERFACE",
    "Book",
    "Ed25519Key",
    "Keyring",
    "Precedents",
    "Reader",
    "__version__",
    "engines",
    "is_acceptable_point",
]
