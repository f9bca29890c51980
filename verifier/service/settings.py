"""The verification service's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from verifier.decision.policy import Policy
from verifier.sync import Limits

__all__ = ["ServiceSettings"]


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Everything but where it listens.

    Args:
        folder: the state folder.
        default_policy: the name of the policy that counts where a request names none.
        policies: the operator's own, beside the shipped ones.
        sync: what the sync agent inside may do; None: there is none, lists come from elsewhere.
        interval: seconds between its rounds, of which most are one small request.
        api_keys: SHA-256 of the keys of those who may ask; empty: everybody may, and there is a scan page.
        rate: requests a second that one client may make in the long run; 0: as many as it likes.
        origins: other origins whose pages may call the service.
        names: of the service, beside numeric addresses and localhost; None: any.
        trusted_proxies: networks whose X-Forwarded-For is believed.
        children: processes that read pictures, and as many that work on batches.
        contact: whom the scan page names where only the operator can help.
    """

    folder: Path
    default_policy: str = "gate"
    policies: Sequence[Policy] = ()
    sync: Limits | None = None
    interval: float = 5.0
    api_keys: tuple[bytes, ...] = ()
    rate: float = 0.0
    origins: Sequence[str] = ()
    names: Sequence[str] | None = None
    trusted_proxies: Sequence[str] = ()
    children: int = 1
    contact: str | None = None
