"""The application of a test's service; which service that is, each file says by a ``issuing_service`` of its own."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from issuer.service.app import make_service
from tests.kit.people import ServiceUnderTest
from verifier.runtime import http


@pytest.fixture
def app(issuing_service: ServiceUnderTest) -> FastAPI:
    """The application without the edge."""
    return make_service(issuing_service.core, http.Drain())
