"""How a request is named in logs and metrics: by its route, never by its path.

Promises:

1. The name is the template (``/v1/cards/{number}``), whose number of values is the service's own; a path that no route
   has is ``unmatched``.
2. A method that HTTP does not define is ``OTHER``.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

__all__ = ["known_method", "route_template"]

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: Scope) -> str:
    """The template of the route that took a request; ``unmatched`` before and without one."""
    # A route of an included router knows its own part alone; FastAPI keeps the whole beside it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    for route in (included, scope.get("route")):
        template = getattr(route, "path_format", None) or getattr(route, "path", None)
        if template:
            return str(template)
    return "unmatched"


def known_method(scope: Scope) -> str:
    """The method of a request, from a closed list."""
    method = str(scope["method"])
    return method if method in _METHODS else "OTHER"
