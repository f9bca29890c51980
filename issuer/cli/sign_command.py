"""``icard-issuer files sign``: a card's JSON becomes a signed code."""

from __future__ import annotations

import dataclasses
import json
import secrets
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from icard_crypto import qr
from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import StatusRef
from icard_crypto.signing.keys import SigningKey
from issuer.offline.signing import SignedCard, sign_card
from verifier.cli.options import moment
from verifier.cli.qr_command import QR_SUFFIXES, render
from verifier.runtime.cli.faults import CommandError, report_warning
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.cli.terminal import is_terminal
from verifier.runtime.files import read_capped, write_whole

from .card_file import read_card
from .option_faults import told_by_options
from .passphrase import PassphraseFile
from .private_key import private_key

__all__ = ["sign_command"]

_SUFFIXES = (".txt", ".cose", *QR_SUFFIXES)
_OPTIONS = {"iss": "--issuer", "status_prefixes": "--status-uri", "uri": "--status-uri", "idx": "--status-index"}
_FORMS = {"--status-uri": "https://host/path/name, the name of 1 to 32 letters, digits, - or _"}
_CTI_BYTES = 8


def sign_command(
    card: Annotated[Path, typer.Argument(metavar="CARD.json", help="The card, or - for standard input.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The private key that keygen made.")],
    issuer: Annotated[str, typer.Option("--issuer", help="Short id of the authority: cn.310000.")],
    status_uri: Annotated[str, typer.Option("--status-uri", help="The status list that will tell of this code.")],
    status_index: Annotated[
        int, typer.Option("--status-index", min=0, max=2**32 - 1, help="The code's place in it; never use one twice.")
    ],
    profile: Annotated[
        Literal["public", "work", "authority"], typer.Option("--profile", help="How much the code discloses.")
    ] = "public",
    form: Annotated[
        Literal["ic1", "claim169", "cose"], typer.Option("--form", help="How the code is written.")
    ] = "ic1",
    out: Annotated[
        list[Path] | None, typer.Option("--out", metavar="FILE", help=".txt, .png, .svg or .cose; may be repeated.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    issued_at: Annotated[
        str | None, typer.Option("--issued-at", metavar="TIME", help="Time of issue (default: the clock).")
    ] = None,
    photo: Annotated[Path | None, typer.Option("--photo", metavar="FILE", help="A portrait, made to fit.")] = None,
    photo_bytes: Annotated[int, typer.Option("--photo-bytes", min=1, max=2048, help="Most bytes of the photo.")] = 400,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Sign a card. The code is verified before it is handed out.

    Without --out its text goes to standard output.

    Example:  icard-issuer files sign card.json --key key.pem --issuer cn.310000 --status-uri
    https://status.example/sh/k7Qd --status-index 48231 --profile work --out code.png
    """
    files = out or []
    _check_outputs(files, form)
    content = read_card(card)
    if photo is not None:
        content = _with_photo(content, photo, photo_bytes)
    private = private_key(key, passphrase_file)
    with told_by_options(_OPTIONS, _FORMS):
        signed = sign_card(
            content,
            private,
            Profile[profile.upper()],
            issuer=issuer,
            status=StatusRef(status_uri, status_index),
            issued_at=moment(issued_at, "--issued-at"),
            cti=secrets.token_bytes(_CTI_BYTES),
            form=form,
        )
    symbol = _write(signed, files)
    _tell(signed, private, files, symbol)


def _check_outputs(files: list[Path], form: str) -> None:
    for path in files:
        suffix = path.suffix.lower()
        if suffix not in _SUFFIXES or (form == "cose" and suffix != ".cose"):
            fitting = ".cose, for --form cose" if form == "cose" else ", ".join(_SUFFIXES)
            raise CommandError("cli.option", path="--out", expected=f"a name that ends in {fitting}", found=str(path))
    if not files and form == "cose" and (is_terminal() or run_context().json):
        raise CommandError("cli.no_output")


def _with_photo(card: Card, path: Path, most: int) -> Card:
    from icard_crypto.pictures import photo, pictures

    fitted = photo.fit(read_capped(path, pictures.MOST_BYTES), most)
    holder = dataclasses.replace(card.holder, photo=fitted.data, photo_format=int(fitted.format))
    return dataclasses.replace(card, holder=holder)


def _write(signed: SignedCard, files: list[Path]) -> str | None:
    """Write every file; the symbol drawn (``12-M``), if any. All is made before the first file is written."""
    drawing = None
    if signed.text is not None and any(path.suffix.lower() in QR_SUFFIXES for path in files):
        drawing = qr.draw(signed.text)
        if drawing.warning is not None:
            report_warning(drawing.warning)
    for path in files:
        suffix = path.suffix.lower()
        if suffix == ".cose" or signed.text is None:
            write_whole(path, signed.cose)
        elif drawing is not None and suffix in QR_SUFFIXES:
            write_whole(path, render(drawing, path))
        else:
            write_whole(path, signed.text.encode("ascii") + b"\n")
    return None if drawing is None else f"{drawing.version}-{drawing.level}"


def _tell(signed: SignedCard, key: SigningKey, files: list[Path], symbol: str | None) -> None:
    if run_context().json:
        typer.echo(json.dumps(_facts(signed, key, files, symbol), ensure_ascii=True))
    elif files:
        for path in files:
            drawn = f" ({symbol})" if path.suffix.lower() in QR_SUFFIXES else ""
            typer.echo(f"{word('wrote')} {path}{drawn}")
    elif signed.text is not None:
        typer.echo(signed.text)
    else:
        sys.stdout.buffer.write(signed.cose)


def _facts(signed: SignedCard, key: SigningKey, files: list[Path], symbol: str | None) -> dict[str, Any]:
    claims = signed.claims
    return {
        "issuer": claims.issuer,
        "kid": key.verifying_key.kid.hex(),
        "cti": claims.cti.hex(),
        "profile": Profile(claims.profile).name.lower(),
        "issued_at": claims.issued_at,
        "not_before": claims.not_before,
        "expires": claims.expires,
        "status": {"uri": claims.status.uri, "index": claims.status.index},
        "text": signed.text,
        "symbol": symbol,
        "files": [str(path) for path in files],
    }
