"""Templates of the portal.

Promises:

1. Everything that comes from outside is escaped; the only markup put in as it stands is the package's own icons and QR
   codes that this service has drawn.
2. A name that a template misspells is an error, not an empty place.
3. No page has an inline script, style or handler: the Content-Security-Policy refuses them, and so does a test.
"""

from __future__ import annotations

from typing import Any, Final

import jinja2
import segno
from markupsafe import Markup

from .static_files import StaticFiles, icons

__all__ = ["BASE", "POLICY", "Templates", "drawn", "drawn_address"]

#: Where the portal is found on its host.
BASE: Final = "/portal/"
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Templates:
    """The templates with what every one of them needs."""

    def __init__(self, files: StaticFiles) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("issuer.portal"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        svgs = {name: Markup(svg) for name, svg in icons().items()}  # noqa: S704 - promise 1
        self._environment.globals.update(icon=svgs.__getitem__, static=files.address, base=BASE)

    def render(self, name: str, **values: Any) -> str:
        """A template filled in."""
        return self._environment.get_template(name).render(**values)


def drawn(svg: bytes | str) -> Markup:
    """A QR code that this service has drawn, to be put into a page."""
    text = svg.decode() if isinstance(svg, bytes) else svg
    return Markup(text[text.index("<svg") :])  # noqa: S704 - promise 1 of this module


def drawn_address(text: str) -> Markup:
    """A QR code of any text, such as the address that an authenticator app reads."""
    return drawn(segno.make_qr(text, error="m").svg_inline(omitsize=True, border=4))
