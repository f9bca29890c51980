"""The examples in the verification service's description of itself, made by the service.

Promises:

1. Each is what the service answered: to the reference card's code, signed by the test vectors' authority, on a state
   whose lists were a minute old, by a clock that is at :data:`AT`.
2. They are the same each time, so that ``python -m tools.make_docs --check`` finds one that is out of date.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx

from tests.kit.reference import ISSUED_AT
from tests.kit.verification_service import Domain
from verifier.decision.policy import Policy
from verifier.decision.verifier import Verifier
from verifier.runtime.http import Drain
from verifier.service.app import around, make_service_app
from verifier.service.batch_child import verdict_lines
from verifier.service.service import VerificationService
from verifier.service.settings import ServiceSettings
from verifier.store import Update

__all__ = ["AT", "EXAMPLES", "codes_of", "examples_json", "published_at", "service_at"]

EXAMPLES: Final = Path(__file__).parent.parent / "verifier" / "service" / "examples.json"
#: 2026-10-08T02:00:00Z.
AT: Final = ISSUED_AT
_HEADERS: Final = {"X-Request-Id": "0af7651916cd43dd8448eb211c80319c"}
_REVOKED: Final = 7
_SUMMARIES: Final = {
    "question": "a code",
    "question-by-name": "a code, by the name of a policy",
    "question-by-rules": "a code, by rules of one's own",
    "verdict": "a card that stands",
    "verdict-by-name": "a code that does not say what the policy asks for",
    "verdict-by-rules": "a card that stands, by rules of one's own",
    "verdicts": "a picture of two codes, one of them withdrawn",
    "code": "a code as text",
    "batch": "two codes, and a line that is none",
    "batch-answer": "two verdicts, and what is wrong with the third line",
    "batch-answer-brief": "the same with verdicts in brief",
    "state": "one domain, fed by another program",
    "policies": "the shipped ones",
    "round": "two lists are new",
    "round-begun": "the lists are still on their way",
    "problem": "a policy that is not known",
}


def examples_json() -> str:
    """The content of :data:`EXAMPLES`."""
    with tempfile.TemporaryDirectory() as made:
        domain = published_at(Path(made) / "state")
        return json.dumps(asyncio.run(_asked(domain)), ensure_ascii=False, indent=1) + "\n"


def published_at(folder: Path) -> Domain:
    """A state of a domain whose list withdraws one entry, as it was at :data:`AT`."""
    domain = Domain(folder, now=AT)
    listed, stamp = domain.tokens(AT - 60, {_REVOKED: 1})
    domain.store.apply("cn", Update(status_tokens=(listed,), timestamp=stamp), AT)
    return domain


@contextlib.asynccontextmanager
async def service_at(domain: Domain) -> AsyncIterator[httpx.AsyncClient]:
    """The service on that state, by a clock that is at :data:`AT`; a picture is read as the two codes."""
    service = VerificationService(ServiceSettings(domain.folder), Drain())
    service.now = lambda: AT  # type: ignore[method-assign]

    async def codes(picture: bytes, *, thorough: bool) -> list[str | bytes]:
        return [*codes_of(domain)]

    service.pictures.codes = codes  # type: ignore[method-assign]
    await service.state.refresh()
    transport = httpx.ASGITransport(around(make_service_app(service), service))
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test", headers=_HEADERS) as client:
        yield client
    await service.batches.pool.close()


def codes_of(domain: Domain) -> tuple[str, str]:
    """A code that stands, and one that was withdrawn."""
    return domain.code(), domain.code(_REVOKED, cti=2)


async def _asked(domain: Domain) -> dict[str, Any]:
    good, revoked = codes_of(domain)
    questions = {
        "question": {"code": good},
        "question-by-name": {"code": good, "policy": "inspection"},
        "question-by-rules": {"code": good, "policy": {"status_max_age": 3600, "regions": ["310000"]}},
    }
    lines = "".join(json.dumps(each) + "\n" for each in ({"code": good}, {"code": revoked}, {"kode": good}))
    async with service_at(domain) as client:

        async def verdict(**request: Any) -> Any:
            return (await client.post("/v1/verify", **request)).json()

        told = {
            **questions,
            **{name.replace("question", "verdict"): await verdict(json=each) for name, each in questions.items()},
            "verdicts": await verdict(content=b"", headers={"Content-Type": "image/png"}),
            "code": good,
            "batch": lines,
            "batch-answer": _batch(domain, lines),
            "batch-answer-brief": _batch(domain, lines, brief=True),
            "state": (await client.get("/v1/state")).json(),
            "policies": (await client.get("/v1/policies")).json(),
            "round": {"done": True, "taken": 2, "faults": 0},
            "round-begun": {"done": False},
            "problem": await verdict(json={"code": good, "policy": "door"}),
        }
    return {name: {"summary": _SUMMARIES[name], "value": value} for name, value in told.items()}


def _batch(domain: Domain, lines: str, *, brief: bool = False) -> str:
    # As a child answers, but by the clock that stands.
    verifier = Verifier(domain.store.load(), Policy.named("gate"))
    return verdict_lines(verifier, lines.encode(), 1, "en", AT, brief=brief).decode()
