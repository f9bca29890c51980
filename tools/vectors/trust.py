"""``trust/``: the table of attacks in tests/kit/trust_cases.py, written out; each is an anchor, lists and a time.

Promises:

1. Code, version and path are stated in the table and here; none is asked from icard's reader.
2. One case of the table is one file, named after it.
"""

from __future__ import annotations

import re
from typing import Final

from tests.kit.trust_cases import ACCEPTED, TrustCase, cases
from tools.vectors.base import Json

__all__ = ["slug", "vectors"]

_KEY: Final = "issuers[0].keys[0].key"
_PREFIX: Final = "issuers[1].status_prefixes[0]"
_REGION: Final = "issuers[1].regions[0]"

#: Where a code has one place whatever the attack.
_PATH_OF_CODE: Final = {
    "trust.rollback": "version",
    "trust.version_skipped": "version",
    "trust.two_of_one_version": "version",
    "trust.iat_falls": "iat",
    "trust.future": "iat",
    "trust.expired": "exp",
    "trust.lifetime": "exp",
    "trust.threshold_current": "signatures",
    "trust.threshold_own": "signatures",
    "trust.threshold_range": "threshold",
    "trust.single_root": "threshold",
    "trust.format_newer": "format",
    "trust.environment": "environment",
    "trust.revoked_returns": "issuers",
    "trust.revoked_vanishes": "issuers",
    "trust.revocation_milder": "issuers",
}

#: Where it depends on the attack.
_PATH_OF_CASE: Final = {
    "threshold 0": "threshold",
    "no map inside": "payload",
    "format 0": "format",
    "an environment of no name": "environment",
    "a field is missing": "timestamp_keys",
    "one kid twice in an issuer": "issuers[0].keys[2].key",
    "one kid in two issuers": "issuers[1].keys[2].key",
    "a root twice": "roots[2]",
    "a key with two usages": "issuers[0].keys[2].key",
    "a root that signs cards": "issuers[0].keys[2].key",
    "a timestamp key that signs lists": "issuers[0].keys[1].key",
    "a usage of no name": "issuers[0].keys[0].usage",
    "small-order key": _KEY,
    "small-order root": "roots[3]",
    "off-curve key": _KEY,
    "a key with its private part": _KEY,
    "a key that is no map": _KEY,
    "a root that is no map": "roots[3]",
    "from at half past": "issuers[0].keys[0].from",
    "until before from": "issuers[0].keys[0].until",
    "revoked for no known reason": "issuers[0].keys[0].revoked.kind",
    "two issuers with one iss": "issuers[1].iss",
    "an iss in capitals": "issuers[1].iss",
    "a region of five digits": _REGION,
    "a region with a letter": _REGION,
    "a region that is no text": _REGION,
    "a name that reorders the screen": "issuers[1].names.en",
    "capacity 0": "issuers[1].capacity",
    "an issuer that is no map": "issuers[1]",
    "a prefix that is no text": _PREFIX,
    "a prefix of 129 characters": _PREFIX,
    "another issuer's prefix": "issuers[1].status_prefixes",
    "a prefix below another issuer's": "issuers[1].status_prefixes",
    "a prefix above another issuer's": "issuers[0].status_prefixes",
}


def slug(name: str) -> str:
    """A file's name from a case's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _path(case: TrustCase) -> str | None:
    stated = _PATH_OF_CASE.get(case.name, _PATH_OF_CODE.get(case.code))
    return _PREFIX if stated is None and case.code.startswith("uri.") else stated


def _vector(case: TrustCase) -> Json:
    made: Json = {
        "about": case.name[0].upper() + case.name[1:] + ".",
        "anchor": case.anchor.hex(),
        "lists": [data.hex() for data in case.lists],
        "now": case.now,
        "single_root": case.single_root,
    }
    if case.code == ACCEPTED:
        return made | {"version": case.version}
    path = _path(case)
    return made | {"code": case.code} | ({} if path is None else {"path": path})


def vectors() -> dict[str, Json]:
    """``trust/*.json``."""
    made: dict[str, Json] = {}
    for case in cases():
        path = f"trust/{slug(case.name)}.json"
        if path in made:
            raise ValueError(f"two vectors are called {path}")
        made[path] = _vector(case)
    return made
