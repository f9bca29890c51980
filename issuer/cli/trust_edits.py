"""``icard-issuer files trust add-... drop-... revoke-key``: edits of a draft, in its own file.

An edit that a reader would refuse leaves the draft as it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from icard_crypto import limits
from icard_crypto.card.issuing import HOUR
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry, Revocation
from icard_crypto.signing.keys import VerifyingKey
from issuer.offline import trust_draft
from verifier.cli.options import moment
from verifier.runtime.cli.run_context import AsJson, Lang
from verifier.runtime.files import read_capped, write_whole

from .private_key import public_key
from .trust_view import tell_list

__all__ = ["register_edits"]

#: Days that a key signs unless said otherwise: longer than a card lives, shorter than anyone forgets it.
_KEY_DAYS = 1096

Draft = Annotated[Path, typer.Argument(metavar="DRAFT", help="The draft, changed in place.")]
Key = Annotated[Path, typer.Option("--key", metavar="PEM", help="The public key.")]
AnyKey = Annotated[
    str, typer.Option("--key", metavar="PEM|DIGITS", help="Its public key, or the first digits of its thumbprint.")
]


def add_root(draft: Draft, key: Key, *, lang: Lang = None, as_json: AsJson = False) -> None:
    """Let one more root sign."""
    _edit(draft, lambda data: trust_draft.add_root(data, public_key(key)))


def drop_root(draft: Draft, key: AnyKey, *, lang: Lang = None, as_json: AsJson = False) -> None:
    """Take a root away."""
    _edit(draft, lambda data: trust_draft.drop_root(data, _key(data, key)))


def set_threshold(
    draft: Draft,
    threshold: Annotated[int, typer.Argument(min=1, max=32, help="How many roots must sign.")],
    unsafe_single_root: Annotated[
        bool, typer.Option("--unsafe-single-root", help="Let one root be enough: for trials only.")
    ] = False,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Say how many roots must sign."""
    _edit(draft, lambda data: trust_draft.set_threshold(data, threshold, unsafe_single_root=unsafe_single_root))


def add_timestamp_key(draft: Draft, key: Key, *, lang: Lang = None, as_json: AsJson = False) -> None:
    """Let one more key sign timestamps."""
    _edit(draft, lambda data: trust_draft.add_timestamp_key(data, public_key(key)))


def drop_timestamp_key(draft: Draft, key: AnyKey, *, lang: Lang = None, as_json: AsJson = False) -> None:
    """Take a timestamp key away."""
    _edit(draft, lambda data: trust_draft.drop_timestamp_key(data, _key(data, key)))


def add_issuer(
    draft: Draft,
    issuer: Annotated[str, typer.Argument(metavar="ISS", help="Short id of the authority: cn.310000.")],
    name_en: Annotated[str, typer.Option("--name-en", help="The authority's name in English.")],
    name_zh: Annotated[str, typer.Option("--name-zh", help="The authority's name in Chinese.")],
    region: Annotated[list[str], typer.Option("--region", help="May issue there; may be repeated.")],
    status_prefix: Annotated[
        list[str], typer.Option("--status-prefix", help="Status lists begin with it; may be repeated.")
    ],
    capacity: Annotated[int, typer.Option("--capacity", help="Most entries of one status list.")] = 1_048_576,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let an authority issue; its keys follow with add-key.

    Example:  icard-issuer files trust add-issuer v1.draft cn.310000 --name-en Shanghai --name-zh 上海市 --region 310000
    --status-prefix https://status.example/status/
    """
    entry = IssuerEntry(issuer, name_en, name_zh, frozenset(region), tuple(status_prefix), capacity, ())
    _edit(draft, lambda data: trust_draft.add_issuer(data, entry))


def change_issuer(
    draft: Draft,
    issuer: Annotated[str, typer.Argument(metavar="ISS", help="Short id of the authority.")],
    name_en: Annotated[str | None, typer.Option("--name-en")] = None,
    name_zh: Annotated[str | None, typer.Option("--name-zh")] = None,
    region: Annotated[
        list[str] | None, typer.Option("--region", help="All regions it may issue for from now on; may be repeated.")
    ] = None,
    status_prefix: Annotated[
        list[str] | None, typer.Option("--status-prefix", help="All status prefixes from now on; may be repeated.")
    ] = None,
    capacity: Annotated[int | None, typer.Option("--capacity", help="Most entries of one status list.")] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Change what an authority may do; what is not named stays."""
    _edit(
        draft,
        lambda data: trust_draft.change_issuer(
            data,
            issuer,
            name_en=name_en,
            name_zh=name_zh,
            regions=frozenset(region) if region else None,
            status_prefixes=tuple(status_prefix) if status_prefix else None,
            capacity=capacity,
        ),
    )


def add_key(
    draft: Draft,
    issuer: Annotated[str, typer.Option("--issuer", help="Whose key it is: cn.310000.")],
    key: Key,
    usage: Annotated[Literal["card", "status"], typer.Option("--usage", help="The one thing it signs.")],
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Signs from then on, a whole hour (default: this one).")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Signs until then (default: three years later).")
    ] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Let an authority sign with one more key."""
    begins = moment(from_, "--from") if from_ else int(time.time()) // HOUR * HOUR
    ends = moment(until, "--until") if until else begins + _KEY_DAYS * trust_draft.DAY
    entry = KeyEntry(public_key(key), usage, begins, ends)
    _edit(draft, lambda data: trust_draft.add_key(data, issuer, entry))


def revoke_key(
    draft: Draft,
    key: AnyKey,
    kind: Annotated[
        Literal["compromised", "retired"],
        typer.Option("--kind", help="compromised: nothing it signed is valid. retired: it was destroyed."),
    ],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When; of a retired key the older ones stand.")
    ] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw an authority's key, permanently; it stays listed."""
    revoked = Revocation(moment(at, "--at"), kind)
    _edit(draft, lambda data: trust_draft.revoke_key(data, _key(data, key), revoked))


_EDITS: tuple[Callable[..., None], ...] = (
    add_root,
    drop_root,
    set_threshold,
    add_timestamp_key,
    drop_timestamp_key,
    add_issuer,
    change_issuer,
    add_key,
    revoke_key,
)


def register_edits(app: typer.Typer) -> None:
    """Add the edits to a group of commands, each by its name."""
    for edit in _EDITS:
        app.command(edit.__name__.replace("_", "-"))(edit)


def _edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    before = read_capped(path, limits.TRUST_LIST_BYTES)
    after = change(before)
    write_whole(path, after)
    tell_list(trust_draft.open_list(after), [], before=trust_draft.open_list(before), compare=True)


def _key(draft: bytes, given: str) -> VerifyingKey:
    if Path(given).is_file():
        return public_key(Path(given))
    return trust_draft.find_key(trust_draft.open_list(draft), given)
