"""The life of a code: intent, signature, record; and recovery from a failure at any step.

Promises:

1. The exact payload is committed first, as an intent with its index; then it is signed; then the token is recorded.
2. After a kill anywhere, finishing the intents signs the same payloads: what was ever signed has a record.
3. Of several processes that finish the same intent, one records; all hand out what it recorded.
4. When the intent's key was revoked meanwhile, the index is burnt: it reads revoked, is never given again, and the code
   is made again with another index by the key that is active now. A retired key finishes its intents.
5. Nothing is begun or signed with a key that verifiers would not take now: the trust list in force names it
   (:mod:`issuer.published.listing`), and this process can open it. What the roots called compromised is treated as
   revoked.
6. Every new code is read back as text by the verifier, with the key as the trust list in force has it, before it is
   recorded, and with the service's own word on the key whenever it is handed out.
"""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from icard_crypto.card.card import Card, Profile
from icard_crypto.card.claims import CardClaims, StatusRef, decode_payload, encode_claims
from icard_crypto.card.issuing import HOUR, issue_claims
from icard_crypto.encoding import envelope
from icard_crypto.errors import IcardError, KeyFault, StateError, Unavailable
from icard_crypto.signing import cose
from icard_crypto.signing.keys import Thumbprint
from issuer.acts import SERVICE
from issuer.core import Core
from issuer.db.base import literal_sql
from issuer.db.unit_of_work import UnitOfWork
from issuer.keys.clock import signed_at
from issuer.keys.models import KeyRow
from issuer.keys.signer import CardMessage, SignerBusy
from issuer.keys.states import active_key, trusted_key
from issuer.status.entry import Record, status_entry
from issuer.status.indexes import changed
from issuer.vault.at_rest import Place
from verifier import Policy, TrustDomain, TrustedKey, Verifier
from verifier.knowledge.trust import Environment

from .models import CardRow, CodeRow
from .signing_keys import SigningKey, as_trusted, usable_key

__all__ = ["IssuedCode", "Wanted", "check_signer", "entry_of", "finish", "hand_out", "intend", "make_ready", "recover"]

#: Seconds after which an intent is taken for left behind by a process that died.
LEFT_BEHIND: Final = 60
#: How often an intent may be made again because its key was revoked.
_ROUNDS: Final = 5
_CHUNK: Final = 200


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """A code that may be handed out. Times are Unix times."""

    profile: Profile
    text: str
    cti: str
    uri: str
    index: int
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """The codes that a card shall get: one cti (8 bytes in hexadecimal, new) for each profile."""

    row: CardRow
    card: Card
    ctis: Sequence[str]


def entry_of(row: CardRow, code: CodeRow) -> int:
    """The status entry of a code as the record stands."""
    record = Record(row.status, row.permit, row.insurance, code.replaced, code.state == "burnt")
    return status_entry(record, code.profile)


def intend(core: Core, session: Session, wanted: Sequence[Wanted]) -> int:
    """Write the intents of all profiles' codes for these cards (promise 1), and return the time of signing.

    Raises:
        CardError: a card lacks what a profile needs, is over, or begins after its code would end.
        Unavailable: ``clock.*``; ``listing.*``; ``list.not_published``.
        KeyFault: ``keystore.none_active``; ``keystore.not_in_keystore``; ``key.passphrase_wrong``.
        SignerBusy: the signer does not answer.
    """
    now = core.clock.signing_time(session)
    key = usable_key(core, session, now)
    slots = iter(core.lists.take(session, len(wanted) * len(Profile), now))
    made = []
    for one in wanted:
        for profile, cti in zip(Profile, one.ctis, strict=True):
            slot = next(slots)
            claims = issue_claims(
                one.card,
                profile,
                issuer=core.issuer.iss,
                issued_at=now,
                status=StatusRef(slot.uri, slot.index),
                cti=bytes.fromhex(cti),
                photo=one.row.photo,
            )
            code = _intent(core, claims, one.row.id, one.row.version, slot.name, key, now)
            code.value = entry_of(one.row, code)
            if code.value:
                changed(session, {slot.name}, now)
            made.append(code)
    session.flush()
    session.add_all(made)
    signed_at(session, now)
    return now


def finish(core: Core, ctis: Iterable[str]) -> list[IssuedCode]:
    """Sign and record what is still an intent among these codes (promises 2 to 5).

    Returns:
        The codes that this call recorded; not those that another process was faster with.

    Raises:
        SignerBusy, KeyFault: the signer's; the intents stay for later.
        Unavailable: ``listing.*``: verifiers do not take the key now; the intents stay; ``signer.self_check``: a code
            does not verify; its index is burnt.
    """
    pending = list(ctis)
    done: list[IssuedCode] = []
    for _ in range(_ROUNDS):
        rows, keys = core.database.read(functools.partial(_pending, core, pending)) if pending else ([], {})
        if not rows:
            break
        burn = [row.cti for row in rows if keys[row.key].revoked]
        tokens, codes = _sign(core, [row for row in rows if row.cti not in burn], keys)
        late = core.database.transact(functools.partial(_record, core, tokens), settled=_again)
        done += [code for code in codes if code.cti not in late]
        burn += late
        pending = core.transact(SERVICE, functools.partial(_burn, core, burn), settled=_again) if burn else []
    return done


def check_signer(core: Core) -> None:
    """Open the key that signs cards, before anything depends on it.

    Raises:
        KeyFault: ``keystore.none_active``, ``key.passphrase_wrong`` and the keystore's others.
        SignerBusy: the signer does not answer.
    """
    key = core.database.read(lambda session: active_key(session, "card"))
    if key is None:
        raise KeyFault("keystore.none_active", expected="an active card key")
    core.signer.sign(Thumbprint(bytes.fromhex(key.thumbprint)), [])


def make_ready(core: Core) -> None:
    """Find a wrong passphrase before anything is written, and finish what another process left behind.

    Raises:
        IcardError: as :func:`check_signer` and :func:`recover`.
    """
    check_signer(core)
    recover(core, LEFT_BEHIND)


def recover(core: Core, older_than: int = 0) -> int:
    """Finish intents that a process left behind, and return how many were found.

    Args:
        older_than: seconds; what is younger may still be in another process's hands. Finishing it twice does no harm.

    Raises:
        IcardError: the first fault, after all others were finished; SignerBusy at once.
    """

    def left(session: Session) -> list[str]:
        latest = core.clock.now(session) - older_than
        query = select(CodeRow.cti).where(CodeRow.state == literal_sql("intent"), CodeRow.created_at <= latest)
        return list(session.scalars(query.order_by(CodeRow.created_at, CodeRow.cti)))

    found = core.database.read(left)
    faults: list[IcardError] = []
    for start in range(0, len(found), _CHUNK):
        chunk = found[start : start + _CHUNK]
        try:
            finish(core, chunk)
        except SignerBusy:
            raise
        except IcardError:
            # One of them cannot be finished: it must not keep the others waiting.
            faults += _one_by_one(core, chunk)
    if faults:
        raise faults[0]
    return len(found)


def _one_by_one(core: Core, ctis: Sequence[str]) -> list[IcardError]:
    faults = []
    for cti in ctis:
        try:
            finish(core, [cti])
        except IcardError as fault:
            faults.append(fault)
    return faults


def hand_out(core: Core, session: Session, rows: Sequence[CodeRow]) -> list[IssuedCode]:
    """The issued ones of these codes, opened and verified again (promise 5)."""
    keys = {name: session.get_one(KeyRow, name) for name in {row.key for row in rows}}
    codes = []
    for row in rows:
        if row.state == "issued" and row.cose is not None:
            token = core.at_rest.open(Place("codes", "cose", row.cti), row.cose)
            claims = decode_payload(cose.parse_sign1(token).payload)
            codes.append(_verified(core, token, claims, row, trusted_key(keys[row.key], core.issuer)))
    return codes


def _intent(
    core: Core, claims: CardClaims, card_id: str, generation: int, list_name: str, key: KeyRow, now: int
) -> CodeRow:
    payload = encode_claims(claims)
    cti = claims.cti.hex()
    return CodeRow(
        cti=cti,
        card_id=card_id,
        generation=generation,
        profile=claims.profile,
        list_name=list_name,
        idx=claims.status.index,
        key=key.thumbprint,
        state="intent",
        replaced=False,
        value=0,
        issued_at=claims.issued_at,
        expires_at=claims.expires,
        created_at=now,
        payload_hash=hashlib.sha256(payload).hexdigest(),
        payload=core.at_rest.seal(Place("codes", "payload", cti), payload),
    )


def _pending(core: Core, ctis: Sequence[str], session: Session) -> tuple[list[CodeRow], dict[str, SigningKey]]:
    rows = session.scalars(select(CodeRow).where(CodeRow.cti.in_(ctis), CodeRow.state == "intent")).all()
    return list(rows), {name: as_trusted(core, session, name) for name in {row.key for row in rows}}


def _sign(
    core: Core, rows: Sequence[CodeRow], keys: dict[str, SigningKey]
) -> tuple[dict[str, bytes], list[IssuedCode]]:
    """The tokens by cti, and the codes as they may be handed out once they are recorded."""
    by_key = defaultdict(list)
    for row in rows:
        by_key[row.key].append(row)
    tokens: dict[str, bytes] = {}
    codes = []
    for name, group in by_key.items():
        fault = keys[name].fault
        if fault is not None:
            raise fault
        messages = [CardMessage(_payload(core, row)) for row in group]
        signed = core.signer.sign(Thumbprint(bytes.fromhex(name)), messages)
        for row, message, token in zip(group, messages, signed, strict=True):
            try:
                codes.append(_verified(core, token, message.claims, row, keys[name].trusted))
            except StateError:
                core.transact(SERVICE, functools.partial(_discard, core, row.cti), settled=_again)
                raise
            tokens[row.cti] = token
    return tokens, codes


def _payload(core: Core, row: CodeRow) -> bytes:
    if row.payload is None:
        raise StateError("at_rest.damaged", path="codes.payload")
    payload = core.at_rest.open(Place("codes", "payload", row.cti), row.payload)
    if hashlib.sha256(payload).hexdigest() != row.payload_hash:
        raise StateError("at_rest.damaged", path="codes.payload")
    return payload


def _verified(core: Core, token: bytes, claims: CardClaims, row: CodeRow, key: TrustedKey) -> IssuedCode:
    """The code, read as text by a verifier at the moment at which it begins.

    Raises:
        Unavailable: ``signer.self_check``.
    """
    text = envelope.to_ic1(token)
    verdict = _verifier(key, core.settings.environment).verify(text, now=max(claims.issued_at, claims.not_before or 0))
    if verdict.outcome != "VALID":
        raise Unavailable("signer.self_check", expected="VALID", found=f"{verdict.outcome} ({verdict.reason})")
    read = verdict.claims
    if read != claims or claims.cti.hex() != row.cti or claims.status.index != row.idx:
        raise Unavailable("signer.self_check", expected="the claims that were intended", found="other claims")
    return IssuedCode(
        Profile(claims.profile),
        text,
        row.cti,
        claims.status.uri,
        claims.status.index,
        claims.issued_at,
        claims.expires,
    )


@functools.lru_cache(maxsize=64)
def _verifier(key: TrustedKey, environment: Environment) -> Verifier:
    """A verifier that trusts this key alone. The issuer's names, which it does not hash, are not looked at here."""
    return Verifier(TrustDomain.from_keys([key], environment=environment), Policy.named("unsafe_no_status"))


def _record(core: Core, tokens: dict[str, bytes], session: Session) -> list[str]:
    """Record tokens; what was signed by a key that is revoked by now is left, and its ctis returned."""
    late = []
    keys: dict[str, KeyRow] = {}
    rows = _locked(session, sorted(tokens))
    for name in sorted({row.key for row in rows}):
        # Shared until the commit: a revocation waits, or is seen.
        keys[name] = session.get_one(KeyRow, name, with_for_update={"read": True}, populate_existing=True)
    for row in rows:
        if row.state != "intent":
            continue
        if keys[row.key].state == "revoked":
            late.append(row.cti)
            continue
        row.cose = core.at_rest.seal(Place("codes", "cose", row.cti), tokens[row.cti])
        row.payload = None
        row.state = "issued"
    return late


def _burn(core: Core, ctis: Sequence[str], unit: UnitOfWork) -> list[str]:
    """Burn intents, and intend the same codes again with the active key; the new ctis."""
    session = unit.session
    owners = select(CodeRow.card_id).where(CodeRow.cti.in_(ctis))
    cards = {
        card.id: card
        for card in session.scalars(
            select(CardRow).where(CardRow.id.in_(owners)).order_by(CardRow.id).with_for_update()
        )
    }
    rows = [row for row in _locked(session, sorted(ctis)) if row.state == "intent"]
    if not rows:
        return []
    now = core.clock.signing_time(session)
    again = [row for row in rows if not row.replaced and cards[row.card_id].status != "revoked"]
    key = usable_key(core, session, now) if again else None
    burnt_lists = {row.list_name for row in rows}
    for row in rows:
        row.state, row.value = "burnt", status_entry(Record(burnt=True), row.profile)
    made = []
    slots = core.lists.take(session, len(again), now)
    for row, slot in zip(again, slots, strict=True):
        claims = replace(
            decode_payload(_payload(core, row)),
            cti=secrets.token_bytes(8),
            status=StatusRef(slot.uri, slot.index),
            issued_at=now - now % HOUR,
        )
        if key is not None:
            code = _intent(core, claims, row.card_id, row.generation, slot.name, key, now)
            code.value = entry_of(cards[row.card_id], code)
            if code.value:
                burnt_lists.add(slot.name)
            session.add(code)
            made.append(code.cti)
    changed(session, burnt_lists, now)
    signed_at(session, now)
    for row in rows:
        unit.audit("code.burn", row.card_id, {"cti": row.cti})
    return made


def _discard(core: Core, cti: str, unit: UnitOfWork) -> None:
    """Burn a code that did not verify, for good."""
    session = unit.session
    for row in _locked(session, [cti]):
        if row.state == "intent":
            row.state, row.value = "burnt", status_entry(Record(burnt=True), row.profile)
            changed(session, {row.list_name}, core.clock.now(session))
            unit.audit("code.discard", row.card_id, {"cti": cti})


def _locked(session: Session, ctis: Sequence[str]) -> Sequence[CodeRow]:
    query = select(CodeRow).where(CodeRow.cti.in_(ctis)).order_by(CodeRow.cti).with_for_update()
    return session.scalars(query).all()


def _again(_session: Session) -> None:
    """What these units of work do is done once however often they run: do them again."""
