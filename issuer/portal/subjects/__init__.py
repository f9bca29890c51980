"""The pages, one module a subject."""

from . import home, login

__all__ = ["SUBJECTS"]

SUBJECTS = [home.pages, login.pages]
