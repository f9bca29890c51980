"""Keeping a state fresh over HTTPS; needs the extra ``sync``.

::

    from verifier.store import Store
    from verifier.sync import Agent, Limits

    agent = Agent(Store("/var/lib/icard"), Limits())
    for round in agent.once():
        print(round.domain, round.faults)
"""

from verifier.runtime.outbound.fetching import Answer, Fetch, Limits

from .agent import Agent, Round

__all__ = ["Agent", "Answer", "Fetch", "Limits", "Round"]
