"""``refuse/``: the makers of all layers together."""

from __future__ import annotations

from tools.vectors import claims_faults, frames, payloads, shown, signatures
from tools.vectors.base import Json

__all__ = ["vectors"]


def vectors() -> dict[str, Json]:
    """``refuse/*.json``; two faults of one name are a mistake of the makers."""
    made: dict[str, Json] = {}
    for maker in (shown, frames, signatures, payloads, claims_faults):
        for name, vector in maker.vectors().items():
            if name in made:
                raise ValueError(f"two vectors are called {name}")
            made[name] = vector
    return {f"refuse/{name}.json": vector for name, vector in made.items()}
