"""A status token under a trust list: whose address it is, and which key may speak for it.

:func:`read_status` checks, in this order:

1. The uri is below a status prefix of one issuer of the list; that issuer's capacity caps the list.
2. The token's kid is a status key of that issuer. A key of another usage or another issuer, and a compromised one, has
   a code of its own.
3. The token is a good status token (:mod:`icard_crypto.lists.status_list`).
4. Its iat is in the key's window, and not after the key was retired.

What a timestamp denies, or calls too old, is not looked at here: a timestamp changes daily, and a list that was read
stays read.
"""

from __future__ import annotations

from icard_crypto.errors import DecodeError
from icard_crypto.signing.keys import Kid, VerifyingKey
from icard_crypto.signing.tokens import FindKey

from .status_list import StatusList, read_status_list
from .trust_list import IssuerEntry, KeyEntry, TrustList

__all__ = ["issuer_of", "read_status", "status_keys"]


def issuer_of(trust_list: TrustList, uri: str) -> IssuerEntry:
    """The issuer that owns a status uri.

    Raises:
        DecodeError: ``status.uri_unowned``.
    """
    for issuer in trust_list.issuers:
        if issuer.owns_status_uri(uri):
            return issuer
    raise DecodeError("status.uri_unowned", path="uri", expected="a status prefix of an issuer, and a list name")


def status_keys(trust_list: TrustList, issuer: IssuerEntry) -> FindKey:
    """What finds an issuer's status key by its kid, for :func:`icard_crypto.lists.status_list.read_status_list`.

    It raises ``DecodeError``: ``status.wrong_usage``, ``status.other_issuer``, ``status.key_compromised``; and gives
    None for a kid that the trust list does not know.
    """

    def find(kid: Kid) -> VerifyingKey | None:
        for owner, entry, key in trust_list.issuer_keys():
            if key.kid != kid:
                continue
            if owner is not issuer:
                raise DecodeError("status.other_issuer", expected=issuer.iss, found=owner.iss)
            if entry.usage != "status":
                raise _wrong_usage(entry.usage)
            if entry.revoked is not None and entry.revoked.kind == "compromised":
                raise DecodeError("status.key_compromised", found=f"kid {kid.hex()}")
            return key
        if any(key.kid == kid for key in trust_list.timestamp_keys):
            raise _wrong_usage("timestamp")
        if any(key.kid == kid for key in trust_list.roots):
            raise _wrong_usage("root")
        return None

    return find


def _wrong_usage(found: str) -> DecodeError:
    return DecodeError("status.wrong_usage", expected="a status key", found=f"a {found} key")


def read_status(
    trust_list: TrustList, token: bytes, *, uri: str, now: int | None = None, length: int | None = None
) -> StatusList:
    """Read a status token by the rules of this module.

    Args:
        uri: the list's address.
        now: Unix time, to refuse a list from the future; None leaves that to the caller.
        length: as :func:`icard_crypto.lists.status_list.read_status_list`.

    Raises:
        DecodeError: ``status.*``, and those of :func:`icard_crypto.lists.status_list.read_status_list`.
    """
    # 1
    issuer = issuer_of(trust_list, uri)
    # 2, 3
    find_key = status_keys(trust_list, issuer)
    capacity = issuer.capacity
    status_list = read_status_list(token, uri=uri, find_key=find_key, capacity=capacity, now=now, length=length)
    # 4
    for entry in issuer.keys:
        if entry.key is not None and entry.key.thumbprint == status_list.key_thumbprint:
            _check_window(entry, status_list.iat)
    return status_list


def _check_window(entry: KeyEntry, iat: int) -> None:
    if not entry.valid_from <= iat < entry.valid_until:
        expected = f"{entry.valid_from} to {entry.valid_until}"
        raise DecodeError("status.key_window", path="iat", expected=expected, found=str(iat))
    if entry.revoked is not None and iat > entry.revoked.at:
        raise DecodeError("status.key_retired", path="iat", expected=f"at most {entry.revoked.at}", found=str(iat))
