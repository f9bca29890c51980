"""A trust domain around a test service: roots, trust lists of its keys, and a verifier that has only the bundle."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from icard_crypto.errors import DecodeError
from icard_crypto.lists import tree
from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.status_list import StatusList
from icard_crypto.lists.status_trust import read_status
from icard_crypto.lists.timestamp import read_timestamp
from icard_crypto.lists.trust_chain import sign, verify_anchor, verify_chain
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation, encode_trust_list
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import Kid, SigningKey, VerifyingKey
from issuer.core import Core
from issuer.keys.models import KeyRow
from issuer.keys.states import all_keys, trusted_key
from issuer.publication.publish import Publication, publish
from issuer.published import artefacts
from issuer.published.models import Artefact
from issuer.published.trust_lists import import_trust_lists
from tests.kit.issuing_service import PASSPHRASE, FakeClock, new_core, new_key
from verifier import Policy, TrustDomain, Verdict, Verifier

__all__ = ["ROOTS", "bundle_domain", "file_of", "published_core", "step", "trust_list", "verdicts", "write_settings"]

DAY = 86_400
ROOTS = tuple(SigningKey.from_raw(ED25519, bytes([number]) * 32) for number in (21, 22, 23))


def published_core(folder: Path, url: str, clock: FakeClock | None = None, **changes: Any) -> Core:
    """A service with all its keys, on a trust list that is taken in; nothing is published yet."""
    core = new_core(folder, url, clock=clock.clock() if clock else None, **changes)
    new_key(core, "timestamp")
    import_trust_lists(core, [trust_list(core)], "host:test")
    return core


def trust_list(
    core: Core,
    version: int = 1,
    *,
    keep: Callable[[KeyRow], bool] = lambda _: True,
    by: Sequence[int] = (0, 1),
    until: int | None = None,
    ends: int | None = None,
    revoked: Mapping[str, Revocation] | None = None,
) -> bytes:
    """A trust list of the service's keys as they stand now, signed by two roots.

    Args:
        until, ends: Unix times of the keys' end and the list's.
        revoked: what the roots say of keys by thumbprint, beside what the service says.
    """
    keys = [key for key in core.database.read(all_keys) if key.state != "draft" and keep(key)]
    now = int(core.clock.local())
    entries = []
    for key in keys:
        if key.usage == "timestamp":
            continue
        trusted = trusted_key(key, core.issuer)
        own = None if trusted.revoked is None else Revocation(trusted.revoked.at, trusted.revoked.kind)
        said = (revoked or {}).get(key.thumbprint, own)
        usage = cast("Any", key.usage)
        end = trusted.valid_from + 3000 * DAY if until is None else until
        entries.append(KeyEntry(trusted.key, usage, trusted.valid_from, end, said))
    entry = IssuerEntry(
        core.issuer.iss,
        "Shanghai",
        "上海",
        core.issuer.regions,
        (core.settings.status_prefix,),
        max(core.settings.list_capacity, 100),
        tuple(entries),
    )
    data = encode_trust_list(
        environment=core.settings.environment,
        version=version,
        iat=now - 10,
        exp=now + 300 * DAY if ends is None else ends,
        roots=[root.verifying_key for root in ROOTS],
        timestamp_keys=[
            trusted_key(key, core.issuer).key for key in keys if key.usage == "timestamp" and key.revoked_at is None
        ],
        issuers=[entry],
    )
    for place in by:
        data = sign(data, ROOTS[place])
    return data


def write_settings(core: Core, folder: Path) -> None:
    """The service's settings as a file, for its commands."""
    settings = core.settings
    lines = {
        "database_url": settings.database,
        "issuer": settings.issuer,
        "regions": list(settings.regions),
        "status_prefix": settings.status_prefix,
        "passphrase": PASSPHRASE,
        "compare_published": False,
        "direct_issuing": settings.direct_issuing,
    }
    content = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    (folder / "icard-issuer.toml").write_text(content, "utf-8")


def file_of(core: Core, path: str) -> bytes:
    """The newest version of a published file."""
    found = core.database.read(lambda session: artefacts.newest_at(session, path))
    assert found is not None, f"{path} is not published"
    return found.content


def step(core: Core, clock: FakeClock | None = None, **options: Any) -> Publication:
    """A turn of the publisher, two seconds after the last one where the clock is the test's."""
    if clock is not None:
        clock.at += 2
    return publish(core, **options)


def bundle_domain(data: bytes, now: int) -> TrustDomain:
    """What a verifier makes of a bundle, from its first trust list on; a token that it refuses is left out."""
    bundle = decode_bundle(data)
    state = verify_chain(verify_anchor(bundle.trust_lists[0]), bundle.trust_lists, now)
    keys: dict[bytes, VerifyingKey] = {key.kid: key for key in state.current.timestamp_keys}

    def find(kid: Kid) -> VerifyingKey | None:
        return keys.get(kid)

    timestamp = read_timestamp(bundle.timestamp, find_key=find, now=now)
    lists: dict[str, StatusList] = {}
    for token in bundle.status_tokens:
        for uri in timestamp.lists:
            try:
                lists[uri] = read_status(state.current, token, uri=uri, now=now)
            except DecodeError as fault:
                assert fault.code in {"status.other_subject", "status.key_compromised"}, fault.code  # noqa: PT017
    return TrustDomain.from_trust_list(state.current, name="test", timestamp=timestamp, status_lists=lists)


def verdicts(core: Core, texts: Sequence[str], policy: str = "gate") -> list[Verdict]:
    """What a verifier with nothing but the published bundle says of codes."""
    now = int(core.clock.local())
    verifier = Verifier(bundle_domain(file_of(core, tree.BUNDLE), now), Policy.named(policy))
    return [verifier.verify(text, now=now) for text in texts]


def versions(core: Core) -> list[tuple[str, int, int]]:
    """Path, version and iat of every artefact that is kept."""
    query = select(Artefact.path, Artefact.version, Artefact.iat).order_by(Artefact.path, Artefact.version)
    return core.database.read(lambda session: [(path, number, iat) for path, number, iat in session.execute(query)])
