"""A service with people on both databases, a mail server, an origin for webhooks."""

from tests.kit.notice_fixtures import authority, issuing_service, mail_server, shared_mail_server

__all__ = ["authority", "issuing_service", "mail_server", "shared_mail_server"]
