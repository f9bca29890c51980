"""HTTPS as an agent needs it, over connections that :mod:`verifier.runtime.outbound.guarded` makes.

Promises:

1. A body is read up to its cap and no further, as it is: a content coding is refused.
2. A redirect is followed within the same scheme, host and port, three times at most.
3. An answer counts when its status is 200, it is whole, and its type is one of a token's: the page of a network that
   asks for a login is none.
"""

from __future__ import annotations

from typing import Final

import httpx

from icard_crypto.errors import StateError
from verifier.runtime.outbound.fetching import Answer, Deadline, Limits, Resolve
from verifier.runtime.outbound.guarded import Guarded, resolve

__all__ = ["HttpFetch"]

_TYPES: Final = frozenset(
    {
        "application/cbor",
        "application/cwt",
        "application/icard-bundle+cbor",
        "application/icard-timestamp+cbor",
        "application/icard-trust+cbor",
        "application/octet-stream",
        "application/statuslist+cwt",
        "binary/octet-stream",
    }
)
_HEADERS: Final = {
    "Accept": "application/statuslist+cwt, application/cbor, application/octet-stream",
    "Accept-Encoding": "identity",
    "User-Agent": "icard",
}
_MOST_REDIRECTS: Final = 3
_LONGEST_ETAG: Final = 256
#: Digits of a Content-Length that Python should turn into a number.
_LONGEST_LENGTH: Final = 20
_OK, _NOT_MODIFIED = 200, 304
_ABSENT: Final = frozenset({404, 410})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class HttpFetch:
    """Fetches over HTTPS by the promises of this module; for one thread at a time.

    Raises:
        StateError: ``sync.ca_file``.
    """

    def __init__(self, limits: Limits, *, resolver: Resolve = resolve) -> None:
        self._guarded = Guarded(limits.allowed, limits.ca_file, resolver=resolver)

    def close(self) -> None:
        """Close all connections."""
        self._guarded.close()

    def __call__(self, url: str, *, etag: str | None, most: int, deadline: Deadline) -> Answer | None:
        """As :class:`verifier.runtime.outbound.fetching.Fetch`."""
        headers = {**_HEADERS, "If-None-Match": etag} if etag else dict(_HEADERS)
        with self._guarded.until(deadline) as client:
            target = httpx.URL(url)
            for _ in range(_MOST_REDIRECTS + 1):
                with client.stream("GET", target, headers=headers, follow_redirects=False) as response:
                    if response.status_code not in _REDIRECTS:
                        return _answer(response, most, asked=bool(etag))
                    target = _same_place(target, response.headers.get("Location", ""))
        raise StateError("sync.redirect", expected=f"at most {_MOST_REDIRECTS}")


def _same_place(target: httpx.URL, location: str) -> httpx.URL:
    following = target.join(location)
    if not location or (following.scheme, following.host, following.port) != (target.scheme, target.host, target.port):
        raise StateError("sync.redirect", expected=target.host, found=(following.host or "nowhere")[:253])
    return following


def _answer(response: httpx.Response, most: int, *, asked: bool) -> Answer | None:
    status = response.status_code
    if status == _NOT_MODIFIED and asked:
        return Answer(None)
    if status in _ABSENT:
        return None
    if status != _OK:
        raise StateError("sync.status", expected="200", found=str(status))
    kind = response.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if kind not in _TYPES or coding != "identity":
        found = kind if coding == "identity" else f"{kind}, {coding}"
        raise StateError("sync.type", expected="application/octet-stream", found=found[:80])
    too_large = StateError("sync.too_large", expected=f"at most {most} bytes")
    stated = response.headers.get("Content-Length", "")
    if stated.isascii() and stated.isdigit() and (len(stated) > _LONGEST_LENGTH or int(stated) > most):
        raise too_large
    parts, size = [], 0
    for part in response.iter_raw():
        size += len(part)
        if size > most:
            raise too_large
        parts.append(part)
    etag = response.headers.get("ETag", "")
    good = 0 < len(etag) <= _LONGEST_ETAG and etag.isascii() and etag.isprintable()
    return Answer(b"".join(parts), etag if good else None)
