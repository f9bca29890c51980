"""Freshness metrics for Prometheus, computed at each scrape.

Promises:

1. Every age that decides a verdict has a metric: trust list, timestamp and the oldest status list, by domain; and how
   long ago the sync agent's last round ended, and how many sources failed in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .agent import SyncAgent, failed_sources
from .live_knowledge import HotState

__all__ = ["Ages"]


class Ages(Collector):
    """The ages of what is known."""

    def __init__(self, state: HotState, agent: SyncAgent | None) -> None:
        self._state = state
        self._agent = agent

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """All metrics of this module."""
        now, known = time.time(), self._state.current
        ages = GaugeMetricFamily("icard_verifier_age_seconds", "Age of what is known", labels=["domain", "part"])
        for domain in known.domains:
            status = [found.iat for found in domain.usable_status_lists.values()]
            for part, iat in (
                ("trust_list", domain.trust_list.iat if domain.trust_list else None),
                ("timestamp", domain.timestamp.iat if domain.timestamp else None),
                ("oldest_status_list", min(status, default=None)),
            ):
                if iat is not None:
                    ages.add_metric([domain.name, part], now - iat)
        yield ages
        yield GaugeMetricFamily("icard_verifier_state_faults", "Damaged parts of the state", value=len(known.faults))
        last = self._agent.last() if self._agent is not None else None
        if last is not None:
            age, failed = now - last["ended"], failed_sources(last)
            yield GaugeMetricFamily("icard_verifier_sync_age_seconds", "Since the last round", value=age)
            yield GaugeMetricFamily("icard_verifier_sync_faults", "Sources that failed in it", value=failed)
