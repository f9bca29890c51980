"""What :mod:`verifier.runtime.http` takes for granted of uvicorn's internals, which no promise of uvicorn's covers.

A version that changes them fails here, by name, before anything subtler does. pyproject.toml pins the range that was
tried.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import textwrap
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from verifier.runtime.http import protocol, server


def _uses(subclass: type, owner: str = "self") -> set[str]:
    """The attributes of an object that a class reads and does not make itself."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(subclass)))
    found: dict[type[ast.expr_context], set[str]] = {ast.Load: set(), ast.Store: set()}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == owner and type(node.ctx) in found:
            found[type(node.ctx)].add(node.attr)
    return found[ast.Load] - found[ast.Store] - set(vars(subclass))


async def _protocol() -> HttpToolsProtocol:
    config = uvicorn.Config(_application)
    config.load()
    made = HttpToolsProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    made.on_message_begin()
    return made


async def _application(scope: Any, receive: Any, send: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("subclass", "base"), [(protocol.Connection, HttpToolsProtocol), (server._Server, uvicorn.Server)]
)
def test_overridden_methods_exist_with_the_same_parameters(subclass: type, base: type) -> None:
    own = {name: each for name, each in vars(subclass).items() if inspect.isfunction(each)}
    overridden = {name for name in own if not name.startswith("_") and hasattr(base, name)}
    assert overridden
    for name in overridden:
        theirs = inspect.signature(getattr(base, name)).parameters
        assert list(inspect.signature(own[name]).parameters) == list(theirs), name


def test_attributes_of_the_protocol_that_are_read_exist() -> None:
    made = asyncio.run(_protocol())
    missing = {name for name in _uses(protocol.Connection) if not hasattr(made, name)}
    assert missing == set()


def test_attributes_of_a_request_that_are_read_exist() -> None:
    assert _uses(protocol.Connection, "self.cycle")
    made = set(re.findall(r"self\.(\w+)(?:: [^=]+)? = ", inspect.getsource(RequestResponseCycle)))
    assert _uses(protocol.Connection, "self.cycle") - made == set()


def test_attributes_of_the_server_that_are_read_exist() -> None:
    made = uvicorn.Server(uvicorn.Config(_application))
    # The life of the application is made while the server starts.
    missing = {name for name in _uses(server._Server) - {"lifespan"} if not hasattr(made, name)}
    assert missing == set()
    assert "self.lifespan" in inspect.getsource(uvicorn.Server.serve) + inspect.getsource(uvicorn.Server._serve)
