"""``icard-issuer files keygen``: a key pair, and its entry in a file of trusted keys."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from icard_crypto import limits
from icard_crypto.card.issuing import HOUR
from icard_crypto.signing import algorithms
from icard_crypto.signing.keys import SigningKey, VerifyingKey
from issuer.offline.trusted_keys import TrustedEntry, extended
from verifier.cli.options import moment
from verifier.runtime.cli.faults import CommandError
from verifier.runtime.cli.run_context import AsJson, Lang, run_context, word
from verifier.runtime.files import read_capped, write_whole

from .key_files import write_key_pair
from .option_faults import told_by_options
from .passphrase import PassphraseFile, ask, passphrase_of_file

__all__ = ["keygen_command"]

_ALGORITHMS = {algorithm.name.lower(): algorithm for algorithm in algorithms.ALGORITHMS}
_OPTIONS = {
    "iss": "--issuer",
    "names": "--name-en",
    "regions": "--region",
    "status_prefixes": "--status-prefix",
    "from": "--from",
    "until": "--until",
}


def keygen_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The private key; the public one gets .pub in it.")
    ],
    algorithm: Annotated[
        Literal["ed25519", "es256", "es384", "ml-dsa-44"], typer.Option("--algorithm", help="What it signs with.")
    ] = "ed25519",
    passphrase_file: PassphraseFile = None,
    no_passphrase: Annotated[bool, typer.Option("--no-passphrase", help="Leave the private key unencrypted.")] = False,
    trusted_out: Annotated[
        Path | None, typer.Option("--trusted-out", metavar="FILE", help="Write or extend a file of trusted keys.")
    ] = None,
    issuer: Annotated[str | None, typer.Option("--issuer", help="Short id of the authority: cn.310000.")] = None,
    region: Annotated[list[str] | None, typer.Option("--region", help="May issue there; may be repeated.")] = None,
    name_en: Annotated[str | None, typer.Option("--name-en", help="The authority's name in English.")] = None,
    name_zh: Annotated[str | None, typer.Option("--name-zh", help="The authority's name in Chinese.")] = None,
    status_prefix: Annotated[
        list[str] | None, typer.Option("--status-prefix", help="Status lists begin with it; may be repeated.")
    ] = None,
    usage: Annotated[Literal["card", "status"], typer.Option("--usage", help="The one thing it signs.")] = "card",
    environment: Annotated[Literal["test", "production"], typer.Option("--environment")] = "test",
    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Signs from then on (default: this hour).")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Signs until then.")] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Make a key pair; nothing is ever overwritten.

    With --trusted-out the public key is also added to a file that `icard verify --trusted` takes.

    Example:  icard-issuer files keygen --out key.pem --trusted-out trusted.json --issuer cn.310000 --region 310000
    --status-prefix https://status.example/sh/
    """
    if no_passphrase and passphrase_file is not None:
        raise CommandError("cli.option", path="--no-passphrase", expected="only one of the two", found="both")
    if trusted_out is not None and issuer is None:
        raise CommandError("cli.option", path="--issuer", expected="such as cn.310000, for --trusted-out")
    key = SigningKey.generate(_ALGORITHMS[algorithm])
    trusted = None
    if trusted_out is not None and issuer is not None:
        names = {"en": name_en or issuer, "zh": name_zh or name_en or issuer}
        now = moment(from_, "--from") if from_ else int(time.time()) // HOUR * HOUR
        end = moment(until, "--until") if until else None
        entry = TrustedEntry(key.verifying_key, issuer, names, region or [], status_prefix or [], now, end, usage)
        existing = read_capped(trusted_out, limits.TRUST_LIST_BYTES) if trusted_out.exists() else None
        with told_by_options(_OPTIONS):
            trusted = extended(existing, entry, environment)
    passphrase = None if no_passphrase else _passphrase(passphrase_file)
    public = write_key_pair(out, key, passphrase)
    if trusted is not None and trusted_out is not None:
        write_whole(trusted_out, trusted)
    _tell(key.verifying_key, [path for path in (out, public, trusted_out) if path])


def _passphrase(path: Path | None) -> bytes:
    return ask(twice=True) if path is None else passphrase_of_file(path)


def _tell(key: VerifyingKey, files: list[Path]) -> None:
    names = [str(path) for path in files]
    facts = {"algorithm": key.algorithm.name, "kid": key.kid.hex(), "thumbprint": key.thumbprint.hex()}
    if run_context().json:
        typer.echo(json.dumps({**facts, "files": names}, ensure_ascii=True))
        return
    for name, value in facts.items():
        typer.echo(f"{name:<10} {value}")
    for path in names:
        typer.echo(f"{word('wrote')} {path}")
