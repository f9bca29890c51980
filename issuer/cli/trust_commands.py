"""``icard-issuer files trust``: drafts of a trust list begun, shown, signed, assembled. Edits have a module each."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from icard_crypto import limits
from icard_crypto.errors import StateError
from issuer.offline import trust_draft
from verifier.runtime.cli.run_context import AsJson, Lang, run_context
from verifier.runtime.files import FileFault, read_capped, write_new

from .passphrase import PassphraseFile
from .private_key import is_protected, private_key, public_key
from .service import tell
from .trust_edits import register_edits
from .trust_view import show_difference, tell_list
from .words import label

__all__ = ["trust_app"]

trust_app = typer.Typer(
    help="Trust lists: draft, show what changes, sign with root keys that stay offline, assemble.", no_args_is_help=True
)
register_edits(trust_app)

_MODE = 0o644

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes; never overwritten.")]
Days = Annotated[int, typer.Option("--days", min=1, max=400, help="Until it ends.")]
Current = Annotated[
    Path | None,
    typer.Option("--current", metavar="FILE", help="The signed list in use; left out for a first list only."),
]


def _read(path: Path) -> bytes:
    return read_capped(path, limits.TRUST_LIST_BYTES)


@trust_app.command("init")
def trust_init(
    root: Annotated[list[Path], typer.Option("--root", metavar="PEM", help="A root's public key; repeat for each.")],
    timestamp_key: Annotated[
        list[Path], typer.Option("--timestamp-key", metavar="PEM", help="Public key that signs timestamps.")
    ],
    out: Out,
    threshold: Annotated[int, typer.Option("--threshold", min=1, max=32, help="How many roots must sign.")] = 2,
    environment: Annotated[Literal["test", "production"], typer.Option("--environment")] = "test",
    days: Days = 365,
    unsafe_single_root: Annotated[
        bool, typer.Option("--unsafe-single-root", help="Let one root be enough: for trials only.")
    ] = False,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin a domain: the draft of its first trust list, without issuers.

    Example:  icard-issuer files trust init --root root1.pub.pem --root root2.pub.pem --root root3.pub.pem
    --timestamp-key ts.pub.pem --out v1.draft
    """
    now = int(time.time())
    draft = trust_draft.begin(
        [public_key(path) for path in root],
        [public_key(path) for path in timestamp_key],
        environment=environment,
        threshold=threshold,
        iat=now,
        exp=now + days * trust_draft.DAY,
        unsafe_single_root=unsafe_single_root,
    )
    _write(out, draft)


@trust_app.command("draft")
def trust_draft_command(
    current: Annotated[Path, typer.Argument(metavar="CURRENT", help="The signed list in use.")],
    out: Out,
    days: Days = 365,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Begin the next version, with all that the current one says."""
    _write(out, trust_draft.follow(_read(current), now=int(time.time()), lifetime=days * trust_draft.DAY))


@trust_app.command("show")
def trust_show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A draft or a signed list.")],
    following: Annotated[
        Path | None, typer.Argument(metavar="NEXT", help="Show what changes from FILE to this one.")
    ] = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Show a list; with two files, what changes from the first to the second."""
    first = trust_draft.open_list(_read(file))
    shown = _read(file if following is None else following)
    listed = trust_draft.open_list(shown)
    before = None if following is None else first
    tell_list(listed, trust_draft.signers(shown, listed.roots), before=before, compare=following is not None)


@trust_app.command("sign")
def trust_sign(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="The draft; or a copy that others have signed.")],
    key: Annotated[Path, typer.Option("--key", metavar="PEM", help="The root's private key.")],
    out: Out,
    current: Current = None,
    passphrase_file: PassphraseFile = None,
    yes: Annotated[bool, typer.Option("--yes", help="Sign without being asked.")] = False,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Sign a draft with one root, offline, after a look at what changes.

    Example:  icard-issuer files trust sign v2.draft --current v1.cbor --key root1.pem --out v2.root1
    """
    data = _read(draft)
    before = None if current is None else _read(current)
    following = trust_draft.open_list(data)
    if before is None and following.version > 1:
        raise StateError("draft.current_needed", expected=f"the signed list of version {following.version - 1}")
    if not run_context().json:
        show_difference(None if before is None else trust_draft.open_list(before), following)
    if not yes:
        _confirm()
    root = private_key(key, passphrase_file)
    if following.environment == "production" and not is_protected(key):
        raise StateError("production.root_unprotected", found=str(key))
    _write(out, trust_draft.sign_draft(data, root, before), signer=root.verifying_key.thumbprint.hex())


def _confirm() -> None:
    if not sys.stdin.isatty() or run_context().json or not typer.confirm(label("sign_this"), err=True):
        raise StateError("draft.not_confirmed")


@trust_app.command("assemble")
def trust_assemble(
    copies: Annotated[list[Path], typer.Argument(metavar="COPIES...", help="The copies that the roots have signed.")],
    out: Out,
    current: Current = None,
    *,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """Put the roots' signed copies together to the list that verifiers take."""
    before = None if current is None else _read(current)
    _write(out, trust_draft.assemble_draft([_read(copy) for copy in copies], before))


def _write(path: Path, data: bytes, **facts: str) -> None:
    if path.exists():
        raise FileFault("file.exists", found=str(path))
    write_new(path, data, mode=_MODE)
    listed = trust_draft.open_list(data)
    tell(
        {
            "file": str(path),
            "version": listed.version,
            "environment": listed.environment,
            "payload_hash": listed.payload_hash.hex(),
            **facts,
        }
    )
