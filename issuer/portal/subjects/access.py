"""Who may see a page; the API's own terms."""

from __future__ import annotations

from typing import Final

from issuer.service.access import Access

__all__ = ["ANYONE", "BEGUN", "PERSON", "with_right"]

ANYONE: Final = Access("anyone")
#: Whoever has given a password; the second factor may be missing.
BEGUN: Final = Access("begun")
#: Whoever has given every factor.
PERSON: Final = Access("person")


def with_right(*rights: str) -> Access:
    """People who have one of these rights."""
    return Access("person", rights)
