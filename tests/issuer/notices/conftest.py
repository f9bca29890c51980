"""A service with people on both databases, a mail server, an origin for webhooks."""

from tests.kit.notice_fixtures import authority, house, mail_server, shared_mail_server

__all__ = ["authority", "house", "mail_server", "shared_mail_server"]
