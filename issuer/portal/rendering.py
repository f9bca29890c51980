"""Templates of the portal.

Promises:

1. Everything that comes from outside is escaped; the only markup put in as it is is the package's own icons and QR
   codes that this service has drawn.
2. A name that a template misspells is an error, not an empty place.
3. No page has an inline script, style or handler: the Content-Security-Policy refuses them, and so does a test.
"""

from __future__ import annotations

import base64
import html
import re
from typing import Any, Final

import jinja2
import segno
from markupsafe import Markup

from icard_crypto import qr

from .static_files import BASE, StaticFiles, icons

__all__ = ["BASE", "POLICY", "Templates", "drawn_address", "labels_in", "pictured"]

#: CSS pixels.
_ADDRESS_ROOM: Final = 200
_SIDE: Final = re.compile(r'viewBox="0 0 ([0-9]+) ')
_LABEL: Final = re.compile(
    r'<(?:label for|legend class="legend" data-for)="f-([^"]+)">(.*?)</(?:label|legend)>', re.DOTALL
)
_MARKUP: Final = re.compile("<[^>]*>")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
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
        self._environment.globals.update(labels_in=labels_in, icon=svgs.__getitem__, static=files.address, base=BASE)

    def render(self, name: str, /, **values: Any) -> str:
        """A template filled in."""
        return self._environment.get_template(name).render(**values)


def labels_in(page: str) -> dict[str, str]:
    """What the fields on a page are called, by name: a group of choices by its legend, all else by its label."""
    found: dict[str, str] = {}
    for name, label in _LABEL.findall(page):
        # A legend stands before the labels of its choices.
        found.setdefault(html.unescape(name), html.unescape(_MARKUP.sub("", label)).strip())
    return found


def pictured(drawing: qr.Drawing, room: int) -> Markup:
    """A card's QR code, to be put into a page: a picture with a pixel a module, a tenth of an SVG's bytes.

    Args:
        room: CSS pixels that its side may have; each module gets a whole number of them.
    """
    modules = drawing.modules + 2 * drawing.border
    side = modules * max(1, room // modules)
    data = base64.b64encode(drawing.png()).decode()
    return Markup('<img width="{0}" height="{0}" src="data:image/png;base64,{1}" alt="">').format(side, data)


def drawn_address(text: str) -> Markup:
    """A QR code of any text, such as the address that an authenticator app reads, 200 pixels wide at most."""
    svg = segno.make_qr(text, error="m").svg_inline(omitsize=True, border=4, light="#fff")
    match = _SIDE.search(svg)
    if match is None:
        raise ValueError("a QR code's SVG has a square viewBox")
    side = int(match[1]) * max(1, _ADDRESS_ROOM // int(match[1]))
    sized = f'<svg width="{side}" height="{side}" shape-rendering="crispEdges" '
    return Markup(svg[svg.index("<svg") :].replace("<svg ", sized, 1))  # noqa: S704 - promise 1 of this module
