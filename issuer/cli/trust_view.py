"""A trust list, and what changes in it, as lines for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

import typer

from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, TrustList
from icard_crypto.moments import moment_text
from icard_crypto.signing.keys import VerifyingKey
from issuer.offline.trust_difference import Change, describe, differences
from verifier.runtime.cli.faults import printable
from verifier.runtime.cli.run_context import run_context

from .words import label

__all__ = ["show_difference", "show_list", "tell_list"]

_WIDTH: Final = 15
_SIGNS: Final = {"comes": "+", "goes": "-", "widened": "+", "narrowed": "-", "changed": "~"}


def tell_list(listed: TrustList, signed_by: list[VerifyingKey], *, before: TrustList | None, compare: bool) -> None:
    """A list, and the difference from ``before`` where ``compare`` asks for it."""
    if run_context().json:
        facts = _facts(listed, signed_by)
        if compare:
            facts["changes"] = [dataclasses.asdict(change) for change in differences(before, listed)]
        typer.echo(json.dumps(facts, ensure_ascii=True))
        return
    if compare:
        show_difference(before, listed)
    else:
        show_list(listed, signed_by)


def show_list(listed: TrustList, signed_by: list[VerifyingKey]) -> None:
    """The whole list, one thing a line."""
    _line("version", f"{listed.version} ({listed.environment})")
    _line("issued", moment_text(listed.iat))
    _line("ends", moment_text(listed.exp))
    _line("threshold", label("threshold_of").format(listed.threshold, len(listed.roots)))
    _line("signatures", ", ".join(key.thumbprint.hex()[:16] for key in signed_by) or label("draft"))
    for root in listed.roots:
        _line("root", f"{root.thumbprint.hex()} {root.algorithm.name}")
    for key in listed.timestamp_keys:
        _line("timestamp_key", f"{key.thumbprint.hex()} {key.algorithm.name}")
    for issuer in listed.issuers:
        _show_issuer(issuer)
    for path in (*listed.skipped, *listed.unknown):
        _line("not_understood", path)
    if listed.threshold == 1:
        typer.echo(f"! {label('single_root')}")


def _show_issuer(issuer: IssuerEntry) -> None:
    typer.echo()
    _line("issuer", f"{issuer.iss}  {issuer.name_en} / {issuer.name_zh}")
    _line("region", " ".join(sorted(issuer.regions)), inner=True)
    for prefix in issuer.status_prefixes:
        _line("status_prefix", prefix, inner=True)
    _line("capacity", str(issuer.capacity), inner=True)
    for entry in issuer.keys:
        name = entry.key.thumbprint.hex() if entry.key is not None else "?"
        _line("key", f"{name} {describe(entry)}", inner=True)


def show_difference(before: TrustList | None, after: TrustList) -> None:
    """What changes, in the words that a root's keeper reads before he signs."""
    if before is None:
        typer.echo(label("all_is_new"))
    elif before.version != after.version:
        typer.echo(label("changes_from").format(before.version, after.version))
    changes = differences(before, after)
    for change in changes:
        typer.echo(_sentence(change))
    if not changes:
        typer.echo(f"  {label('no_change')}")
    _line("ends", moment_text(after.exp))
    _line("threshold", label("threshold_of").format(after.threshold, len(after.roots)))
    for path in (*after.skipped, *after.unknown):
        _line("not_understood", path)
    if after.threshold == 1:
        typer.echo(f"! {label('single_root')}")


def _sentence(change: Change) -> str:
    values = f"{change.before} -> {change.after}" if change.before and change.after else change.before or change.after
    owner = f"{change.issuer}: " if change.issuer and change.subject != "issuer" else ""
    words = [f"  {_SIGNS[change.effect]} {label(change.effect)}  {owner}{label(change.subject)}", change.name, values]
    return printable(" ".join(word for word in words if word), 600)


def _line(name: str, value: str, *, inner: bool = False) -> None:
    indent = "  " if inner else ""
    typer.echo(f"{indent}{label(name):<{_WIDTH}} {printable(value, 600)}")


def _facts(listed: TrustList, signed_by: list[VerifyingKey]) -> dict[str, Any]:
    return {
        "version": listed.version,
        "environment": listed.environment,
        "iat": listed.iat,
        "exp": listed.exp,
        "payload_hash": listed.payload_hash.hex(),
        "threshold": listed.threshold,
        "roots": [_key(key) for key in listed.roots],
        "signed_by": [key.thumbprint.hex() for key in signed_by],
        "timestamp_keys": [_key(key) for key in listed.timestamp_keys],
        "issuers": [
            {
                "iss": issuer.iss,
                "names": {"en": issuer.name_en, "zh": issuer.name_zh},
                "regions": sorted(issuer.regions),
                "status_prefixes": list(issuer.status_prefixes),
                "capacity": issuer.capacity,
                "keys": [_entry(entry) for entry in issuer.keys],
            }
            for issuer in listed.issuers
        ],
        "not_understood": [*listed.skipped, *listed.unknown],
    }


def _key(key: VerifyingKey) -> dict[str, str]:
    return {"thumbprint": key.thumbprint.hex(), "algorithm": key.algorithm.name}


def _entry(entry: KeyEntry) -> dict[str, Any]:
    return {
        **(_key(entry.key) if entry.key is not None else {"thumbprint": None, "algorithm": None}),
        "usage": entry.usage,
        "from": entry.valid_from,
        "until": entry.valid_until,
        "revoked": dataclasses.asdict(entry.revoked) if entry.revoked is not None else None,
    }
