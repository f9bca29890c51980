"""``GET /v1/state``: what is known, how old it is, until when each policy accepts it, how syncing goes."""

from __future__ import annotations

import json
from typing import Any

from icard_crypto.errors import IcardError, Language
from icard_crypto.moments import moment_text
from verifier.decision.policy import Policy
from verifier.knowledge.trust import TrustDomain
from verifier.store import Freshness, freshness
from verifier.sync.journal import read_journal

from .live_knowledge import Knowledge
from .service import VerificationService

__all__ = ["StateAnswer", "state_view"]


class StateAnswer:
    """:func:`state_view` as JSON, made once a second for each language while nothing changes: with thousands of status
    lists it takes a fifth of a second, and anybody may ask."""

    def __init__(self, service: VerificationService) -> None:
        self._service = service
        self._made: dict[Language, tuple[tuple[int, Knowledge, object], bytes]] = {}

    def answer(self, language: Language) -> bytes:
        """The answer of ``GET /v1/state``."""
        service = self._service
        agent = service.agent
        seen = service.now(), service.state.current, None if agent is None else agent.last()
        made = self._made.get(language)
        if made is None or made[0][1] is not seen[1] or (made[0][0], made[0][2]) != (seen[0], seen[2]):
            content = json.dumps(state_view(service, language), ensure_ascii=False).encode()
            made = self._made[language] = seen, content
        return made[1]


def state_view(service: VerificationService, language: Language) -> dict[str, Any]:
    """Everything that the service knows about itself; times are RFC 3339 in UTC, ages seconds."""
    now, known = service.now(), service.state.current
    policies = service.policies
    agent = service.agent
    return {
        "now": moment_text(now),
        "environment": known.environment,
        "ready": bool(known.domains) and all(domain.trust_list for domain in known.domains),
        "default_policy": policies[0].name,
        "domains": [_domain(service, domain, policies, now, language) for domain in known.domains],
        "sync": {
            "agent": "inside" if agent is not None else "apart",
            "interval": service.settings.interval if agent is not None else None,
            "last_round": _round(agent.last(), language) if agent is not None else None,
        },
        "faults": [
            {"domain": fault.domain, "part": fault.part, "error": _error(fault.error, language)}
            for fault in known.faults
        ],
    }


def _domain(
    service: VerificationService, domain: TrustDomain, policies: tuple[Policy, ...] | Any, now: int, language: Language
) -> dict[str, Any]:
    judged: dict[tuple[str, str], dict[str, Freshness]] = {}
    for policy in policies:
        for row in freshness(domain, policy, now):
            judged.setdefault((row.part, row.name), {})[policy.name] = row
    parts: dict[str, list[dict[str, Any]]] = {"trust_list": [], "timestamp": [], "status_list": []}
    ends = {uri: found.exp for uri, found in domain.status_lists.items()}
    for (part, name), rows in judged.items():
        any_row = next(iter(rows.values()))
        entry = {
            "issued_at": moment_text(any_row.iat),
            "age": None if any_row.iat is None else max(max(now, domain.clock_floor) - any_row.iat, 0),
            "expires": moment_text(ends.get(name)),
            "limits": {
                policy: {"health": row.health, "why": row.why or None, "until": moment_text(row.until)}
                for policy, row in rows.items()
            },
        }
        parts[part].append(entry | ({"uri": name} if part == "status_list" else {}))
    trust_list, timestamp = parts["trust_list"][0], parts["timestamp"][0]
    if domain.trust_list is not None:
        trust_list |= {"version": domain.trust_list.version, "expires": moment_text(domain.trust_list.exp)}
    if domain.timestamp is not None:
        timestamp |= {"expires": moment_text(domain.timestamp.exp)}
    return {
        "name": domain.name,
        "environment": domain.environment,
        "clock_floor": moment_text(domain.clock_floor),
        "trust_list": trust_list,
        "timestamp": timestamp,
        "status_lists": parts["status_list"],
        "sources": [
            {
                "source": url,
                "tried": moment_text(source.tried),
                "reached": moment_text(source.reached),
                "fault": None if source.fault is None else _error(source.fault, language),
            }
            for url, source in read_journal(service.state.folder / domain.name).sources.items()
        ],
    }


def _round(record: dict[str, Any] | None, language: Language) -> dict[str, Any] | None:
    if record is None:
        return None
    told = [(fault["source"], fault["error"]) for each in record["domains"] for fault in each["faults"]]
    if "fault" in record:
        # Of the folder, before any source was asked.
        told.append(("", record["fault"]))
    return {
        "started": moment_text(int(record["started"])),
        "ended": moment_text(int(record["ended"])),
        "taken": sum(each["taken"] for each in record["domains"]),
        "faults": [{"source": source, "error": _error(IcardError(error["code"]), language)} for source, error in told],
    }


def _error(error: IcardError, language: Language) -> dict[str, Any]:
    return {**error.to_dict(), "message": error.message(language), "hint": error.hint(language)}
