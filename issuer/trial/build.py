"""The one builder of trial authorities: service, keys, roots, trust list, accounts, a published tree, a verifier.

Promises:

1. What it makes is what the commands make one by one (docs/running.md): nothing is faked.
2. It is of the test environment, and every verdict on its cards says so. The roots' keys lie beside the service
   without passphrases, which is what makes it a trial: a real authority's never meet.
3. The folder is new or empty; where it is not, nothing is written.

::

    trial/
      issuer/         the service: -C trial/issuer
      roots/          three root keys, of which two sign
      v1.cbor         the trust list: the anchor of verifiers
      public/         what a web server would hand out, with bundle.cbor
      verifier/       a verifier that knows all of it: --state trial/verifier
      card.json       a card to issue
      invitations.txt accounts that wait for their people
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Final

from icard_crypto.lists.bundle import decode_bundle
from icard_crypto.lists.trust_list import IssuerEntry, KeyEntry
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import SigningKey
from issuer.accounts import host
from issuer.accounts.changes import NewAccount
from issuer.acts import Actor
from issuer.core import Core
from issuer.keys import states
from issuer.keys.clock import Clock
from issuer.keys.states import all_keys, trusted_key
from issuer.offline import trust_draft
from issuer.publication.export import export
from issuer.publication.publish import publish
from issuer.published.activation import activate
from issuer.published.trust_lists import import_trust_lists
from issuer.settings import FILE_NAME, Settings
from verifier.knowledge.trust import Usage
from verifier.runtime.files import FileFault, write_new
from verifier.store import Store

__all__ = ["ISSUER", "REGION", "STATUS_PREFIX", "Trial", "begun", "build", "publish_all", "write_card"]

ISSUER: Final = "cn.310000"
REGION: Final = "310000"
STATUS_PREFIX: Final = "https://icard.example/s/"
_BY: Final = Actor("host:trial", "a trial authority", break_glass=True)
_USAGES: Final[tuple[Usage, ...]] = ("card", "status", "timestamp")
_SECRET: Final = 0o600
_PUBLIC: Final = 0o644
_YEAR: Final = 365 * trust_draft.DAY
_ACCOUNTS: Final = (
    ("li.na", "administrator", "Li Na"),
    ("wang.wei", "administrator", "Wang Wei"),
    ("zhao.min", "permit_officer", "Zhao Min"),
    ("chen.jie", "permit_officer", "Chen Jie"),
    ("an.quan", "auditor", "An Quan"),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """What was made. ``logins``: of the accounts, each with its role; their invitations are in a file."""

    folder: Path
    logins: tuple[tuple[str, str], ...]

    @property
    def service(self) -> Path:
        """The service's folder."""
        return self.folder / "issuer"

    @property
    def public(self) -> Path:
        """The published tree."""
        return self.folder / "public"

    @property
    def anchor(self) -> Path:
        """The signed trust list."""
        return self.folder / "v1.cbor"

    @property
    def verifier(self) -> Path:
        """A verifier's state folder."""
        return self.folder / "verifier"

    @property
    def card(self) -> Path:
        """A card to issue."""
        return self.folder / "card.json"


def build(folder: Path, *, status_prefix: str = STATUS_PREFIX, database_url: str | None = None) -> Trial:
    """Make a trial authority.

    Args:
        folder: new or empty.
        status_prefix: what the addresses of its status lists begin with.
        database_url: an empty PostgreSQL database; None: a SQLite file in the folder.

    Raises:
        FileFault: ``file.exists``: the folder is not empty; ``file.unwritable``.
    """
    with begun(folder, status_prefix=status_prefix, database_url=database_url) as core:
        trial = Trial(folder, _accounts(core, folder / "invitations.txt"))
        publish_all(core, trial)
    write_card(trial.card)
    return trial


@contextmanager
def begun(
    folder: Path,
    *,
    status_prefix: str = STATUS_PREFIX,
    database_url: str | None = None,
    regions: Sequence[str] = (REGION,),
    names: tuple[str, str] = ("Shanghai", "上海市"),
    clock: Clock | None = None,
) -> Iterator[Core]:
    """A trial authority with keys and a trust list, open: without accounts, and with nothing published.

    Args:
        regions: that it issues cards for; names: the authority's, in English and Chinese.
        clock: another than the system's.

    Raises:
        FileFault: as :func:`build`.
    """
    import issuer.tables  # noqa: F401  (every table)

    if folder.exists() and any(folder.iterdir()):
        raise FileFault("file.exists", found=str(folder))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    core = Core.create(_settings(folder, status_prefix, database_url, regions, names), clock=clock)
    try:
        for usage in _USAGES:
            key = states.generate(core, usage, ED25519, _BY.actor).thumbprint
            states.publish(core, key, _BY.actor)
            activate(core, key, _BY, emergency=True)
        signed = _trust_list(core, _roots(folder / "roots"), status_prefix)
        write_new(folder / "v1.cbor", signed, mode=_PUBLIC)
        import_trust_lists(core, [signed], _BY.actor)
        yield core
    finally:
        core.close()


def publish_all(core: Core, trial: Trial) -> None:
    """Publish, write the tree, and make the verifier that knows it."""
    publish(core)
    export(core, trial.public)
    store, now = Store(trial.verifier), int(core.clock.local())
    store.create(trial.anchor.read_bytes(), name="test", now=now)
    store.apply("test", decode_bundle((trial.public / "bundle.cbor").read_bytes()), now)


def write_card(path: Path, number: int = 1, *, name: str | None = None) -> Path:
    """A made-up card as a file, in force today whenever that is.

    Args:
        number: makes the permit's number; one live card has it.
        name: the holder's; None: the one of the reference card.
    """
    card = json.loads((resources.files("issuer.trial") / "card.json").read_text("utf-8"))
    today = datetime.now(UTC).date()
    begun, permit, insurance = today - timedelta(days=200), card["permit"], card["insurance"]
    if name is not None:
        card["holder"]["name"] = name
        del card["holder"]["name_native"]
    number_text = f"R310115{begun.year}{number:08d}"
    permit |= {"number": number_text, "number_last4": number_text[-4:]}
    permit |= {"from": _day(begun), "until": _day(begun + timedelta(days=729))}
    insurance |= {"enrolled_from": _day(begun), "paid_through": f"{today:%Y-%m}"}
    insurance["exemptions"][0] |= {"from": _day(begun), "until": _day(begun + timedelta(days=1826))}
    path.write_text(json.dumps(card, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return path


def _settings(
    folder: Path, status_prefix: str, database_url: str | None, regions: Sequence[str], names: tuple[str, str]
) -> Settings:
    service = folder / "issuer"
    service.mkdir(mode=0o700)
    secret = service / "passphrase"
    write_new(secret, (secrets.token_urlsafe(24) + "\n").encode("ascii"), mode=_SECRET)
    values = {
        "issuer": ISSUER,
        "regions": list(regions),
        "status_prefix": status_prefix,
        "name_en": names[0],
        "name_zh": names[1],
        "environment": "test",
        "direct_issuing": True,
        "paper_files": False,
        "passphrase_file": str(secret.absolute()),
        "published": str((folder / "public").absolute()),
    }
    if status_prefix == STATUS_PREFIX:
        # Nobody serves this address (RFC 6761), so there is nothing to compare with what was published.
        values["compare_published"] = False
    if database_url is not None:
        values["database_url"] = database_url
    # JSON's strings, numbers, lists and truth values are TOML's as well.
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()]
    write_new(service / FILE_NAME, "".join(lines).encode(), mode=_SECRET)
    return Settings.load(service)


def _roots(folder: Path) -> list[SigningKey]:
    folder.mkdir(mode=0o700)
    roots = [SigningKey.generate(ED25519) for _ in range(3)]
    for number, root in enumerate(roots, 1):
        write_new(folder / f"root{number}.pem", root.to_pem(), mode=_SECRET)
        write_new(folder / f"root{number}.pub.pem", root.verifying_key.to_pem(), mode=_PUBLIC)
    return roots


def _trust_list(core: Core, roots: Sequence[SigningKey], status_prefix: str) -> bytes:
    keys = {key.usage: trusted_key(key, core.issuer) for key in core.database.read(all_keys)}
    now = int(core.clock.local())
    draft = trust_draft.begin(
        [root.verifying_key for root in roots],
        [keys["timestamp"].key],
        environment="test",
        threshold=2,
        iat=now,
        exp=now + _YEAR,
    )
    names = core.issuer.names
    entries = tuple(
        KeyEntry(keys[usage].key, usage, keys[usage].valid_from, keys[usage].valid_from + 3 * _YEAR)
        for usage in ("card", "status")
    )
    authority = IssuerEntry(
        ISSUER,
        names["en"],
        names["zh"],
        core.issuer.regions,
        (status_prefix,),
        core.settings.list_capacity,
        entries,
    )
    draft = trust_draft.add_issuer(draft, authority)
    return trust_draft.assemble_draft([trust_draft.sign_draft(draft, root, None) for root in roots[:2]], None)


def _accounts(core: Core, path: Path) -> tuple[tuple[str, str], ...]:
    lines = []
    for number, (login, role, name) in enumerate(_ACCOUNTS, 1):
        invited = host.add(core, NewAccount(role, login, name, f"S-{1000 + number}", language="en"), _BY)
        lines.append(f"{login:<10} {role:<14} {invited.token}\n")
    write_new(path, "".join(lines).encode("ascii"), mode=_SECRET)
    return tuple((login, role) for login, role, _ in _ACCOUNTS)


def _day(day: date) -> str:
    return day.isoformat()
