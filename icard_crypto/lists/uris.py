"""Where status lists stand: the prefixes that an issuer owns, and the uris below them.

Promises:

1. A prefix is ``https://host[:port]/path/``: lower-case host of letters, digits and hyphens, no ``:443``, no userinfo,
   query, fragment, dot segment or percent escape, a final slash, at most 128 characters. So every address has one
   spelling, and comparing texts is comparing addresses.
2. A status uri is a prefix and a list name of 1 to 32 characters of ``A-Za-z0-9_-``, and nothing more.
3. A prefix ends with a slash, so ``https://s.example.cn/`` is none of ``https://s.example.cn.evil.org/``.
4. Nothing here fetches anything, or resolves a name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from icard_crypto.encoding.diagnostic import diagnostic
from icard_crypto.errors import DecodeError

from .list_maps import FIELDS

__all__ = ["check_prefix", "check_status_uri", "first_overlap", "is_below"]

_SCHEME: Final = "https://"
_LONGEST: Final = FIELDS["prefix"]["prefix"].high
# RFC 3986: unreserved characters of a path, and what would open a port, an IPv6 address or a further segment.
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
_SEGMENT: Final = re.compile(r"[A-Za-z0-9._~-]+")
_LIST_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")


def check_prefix(prefix: str, path: str) -> None:
    """Check a status prefix against promise 1; ``path`` says where it is, for the error.

    Raises:
        DecodeError: ``uri.*``.
    """

    def fault(code: str, expected: str) -> DecodeError:
        return DecodeError(f"uri.{code}", path=path, expected=expected, found=diagnostic(prefix[:_LONGEST]))

    if len(prefix) > _LONGEST:
        raise fault("too_long", f"at most {_LONGEST} characters")
    if not prefix.startswith(_SCHEME):
        raise fault("scheme", "https:// in lower case")
    for character, name in (("%", "percent_escape"), ("?", "query"), ("#", "fragment"), ("@", "userinfo")):
        if character in prefix:
            raise fault(name, f"no {character}")
    authority, slash, rest = prefix[len(_SCHEME) :].partition("/")
    host, colon, port = authority.partition(":")
    if not all(map(_LABEL.fullmatch, host.split("."))):
        raise fault("host", "a host name in lower case")
    if colon and (not _PORT.fullmatch(port) or int(port) > 65535 or port == "443"):
        raise fault("port", "1 to 65535, and 443 left out")
    if not prefix.endswith("/") or not slash:
        raise fault("final_slash", "a slash at the end")
    for segment in rest.split("/")[:-1]:
        if segment in (".", ".."):
            raise fault("dot_segment", "no segment . or ..")
        if not _SEGMENT.fullmatch(segment):
            raise fault("segment", "letters, digits, -, ., _ and ~ between slashes")


def check_status_uri(uri: str, path: str) -> None:
    """Check a status uri against promises 1 and 2, whoever owns it.

    Raises:
        DecodeError: ``uri.*``.
    """
    prefix, slash, name = uri.rpartition("/")
    check_prefix(prefix + slash, path)
    if not _LIST_NAME.fullmatch(name):
        expected = "a list name of 1 to 32 letters, digits, - and _"
        raise DecodeError("uri.list_name", path=path, expected=expected, found=diagnostic(uri[:_LONGEST]))


def is_below(uri: str, prefix: str) -> bool:
    """Whether ``uri`` is ``prefix`` and a list name, exactly."""
    return uri.startswith(prefix) and _LIST_NAME.fullmatch(uri, len(prefix)) is not None


def first_overlap(prefixes: Iterable[tuple[str, int]]) -> tuple[str, str] | None:
    """Two prefixes of different owners of which one begins with the other, shorter first; None where there are none.

    Args:
        prefixes: each with the number of its owner.
    """
    # In sorted order, whatever begins with a prefix follows it at once. What is open all has one owner, for the first
    # pair of different owners ends the search; so looking at the innermost is enough.
    open_prefixes: list[tuple[str, int]] = []
    for prefix, owner in sorted(prefixes):
        while open_prefixes and not prefix.startswith(open_prefixes[-1][0]):
            open_prefixes.pop()
        if open_prefixes and open_prefixes[-1][1] != owner:
            return open_prefixes[-1][0], prefix
        open_prefixes.append((prefix, owner))
    return None
