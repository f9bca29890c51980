"""Delivery of notices: the outbox as a queue, e-mail, webhooks."""
