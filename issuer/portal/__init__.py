"""The portal: the issuing service's pages for people.

Promises:

1. It uses the application services that the API uses, and adds no rule of its own.
2. Every page works without scripts, in English and Chinese, in light and dark, from 320 pixels on.
3. No page loads anything from another origin, and none has an inline script or style.
"""

from .portal import make_portal
from .rendering import BASE

__all__ = ["BASE", "make_portal"]
