"""Notices: from the act that causes one to the inbox, to e-mail and to webhooks."""
