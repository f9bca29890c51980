"""Dual control: acts that one person requests and another confirms."""
