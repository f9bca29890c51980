"""A small service for tests: a folder, a database, keys that are active, a clock that can be moved."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import issuer.tables  # noqa: F401  (every table, before anything is written)
from icard_crypto.card.card import Card
from icard_crypto.signing.algorithms import ED25519
from icard_crypto.signing.keys import Thumbprint
from issuer.core import Core
from issuer.keys import states
from issuer.keys.clock import Clock
from issuer.keys.models import KeyRow
from issuer.keys.signer import KeystoreSigner, Message, Signer
from issuer.keys.states import Approved
from issuer.settings import Settings
from tests.kit.reference import reference_card

__all__ = [
    "PASSPHRASE",
    "PREFIX",
    "FakeClock",
    "Recording",
    "new_core",
    "person",
    "settings_for",
    "unlisted",
    "with_keys",
]

PASSPHRASE = "correct horse"
PREFIX = "https://icard.example/s/"


@dataclass
class FakeClock:
    """Both clocks, to be moved by hand."""

    at: float = field(default_factory=time.time)
    apart: float = 0.0

    def clock(self) -> Clock:
        return Clock(lambda: self.at, lambda _session: self.at + self.apart)


class Recording:
    """A signer that notes every payload before it signs, and fails when it is told to."""

    def __init__(self, signer: Signer) -> None:
        self.signer = self._own = signer
        self.payloads: list[bytes] = []
        self.fault: Exception | None = None

    def sign(self, key: Thumbprint, messages: Sequence[Message]) -> list[bytes]:
        if self.fault is not None:
            raise self.fault
        self.payloads += [message.payload for message in messages]
        return self.signer.sign(key, messages)

    def require(self, key: Thumbprint) -> None:
        self._own.require(key)


def settings_for(folder: Path, url: str, **changes: Any) -> Settings:
    """Settings of a test service: scrypt as cheap as it gets, cards without applications, papers without files."""
    values = {
        "folder": folder,
        "database_url": url,
        "passphrase": PASSPHRASE,
        "issuer": "cn.310000",
        "name_en": "Shanghai",
        "name_zh": "上海",
        "regions": ("310000",),
        "status_prefix": PREFIX,
        "list_capacity": 65536,
        "direct_issuing": True,
        "paper_files": False,
        "scrypt_log2": 14,
        "compare_published": False,
    }
    return Settings(**{**values, **changes})


def new_core(folder: Path, url: str, *, keys: bool = True, clock: Clock | None = None, **changes: Any) -> Core:
    """A new service with a recording signer; with ``keys``, one active key for each usage."""
    core = Core.create(settings_for(folder, url, **changes), clock=clock)
    core = replace(core, signer=Recording(KeystoreSigner(core.keystore, core.passphrase)))
    return with_keys(core) if keys else core


def with_keys(core: Core) -> Core:
    """Make, publish and activate a card key and a status key."""
    new_key(core, "card")
    new_key(core, "status")
    return core


def new_key(core: Core, usage: Any) -> str:
    """Make a key and activate it at once; its thumbprint."""
    name = states.generate(core, usage, ED25519, "host:test").thumbprint
    states.publish(core, name, "host:test")
    states.activate(core, name, "host:test", unlisted, emergency=True, reason="test")
    return name


def unlisted(_session: Session, _key: KeyRow, _now: int) -> Approved:
    """The check of an activation where there is no trust list."""
    return Approved(None, {})


def person(number: int, **permit: Any) -> Card:
    """The reference card under another permit number, in the midst of its time."""
    card = reference_card()
    name = f"R3101152026{number:09d}"
    today = datetime.datetime.now(datetime.UTC).date()
    begun, ends = today - datetime.timedelta(days=100), today + datetime.timedelta(days=600)
    fields = {"number": name, "number_last4": name[-4:], "valid_from": begun, "valid_until": ends, **permit}
    return replace(card, permit=replace(card.permit, **fields))
