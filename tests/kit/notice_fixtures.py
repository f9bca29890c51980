"""A service with people on both databases, a mail server, an origin for webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.core import Core
from tests.kit.mail_server import MailServer, running_mail_server
from tests.kit.notified_service import notified_core
from tests.kit.origin import Authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def shared_mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with running_mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture
def mail_server(shared_mail_server: MailServer) -> MailServer:
    """A mail server that has taken nothing yet."""
    shared_mail_server.mood("fine")
    (shared_mail_server.folder / "taken.jsonl").open("r+b").truncate()
    return shared_mail_server


@pytest.fixture
def issuing_service(tmp_path: Path, database_url: str, mail_server: MailServer) -> Iterator[Core]:
    core = notified_core(tmp_path, database_url, smtp_port=mail_server.port)
    yield core
    core.close()
