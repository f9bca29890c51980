"""Models of hypothesis that live on one service, for a new one takes longer than a life."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.kit.people import ServiceUnderTest

__all__ = ["live"]


def live(machine: Any, issuing_service: ServiceUnderTest, lives: int, steps: int) -> Any:
    """So many lives of so many steps on a service; the model's class, with its issuing_service and what it counted.

    Args:
        machine: a rule-based state machine with a ``issuing_service``.
    """
    here = type(machine.__name__, (machine,), {"issuing_service": issuing_service})
    # Lives share a service: one that failed cannot be shortened by living it again.
    how = settings(
        max_examples=lives,
        stateful_step_count=steps,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    run_state_machine_as_test(here, settings=how)
    return here
