"""The scan page: what a person at a gate, a clinic or a bank sees. Its router is all that a service needs of it."""

from .desk import Desk, Seen
from .routes import BODIES, page_router

__all__ = ["BODIES", "Desk", "Seen", "page_router"]
