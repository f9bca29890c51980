"""Writes the parts of the documentation that follow from data.

They are between ``<!-- generated: NAME -->`` and ``<!-- end -->``.

Promises:

1. Tables of fields, services, refusals, reasons and policies, the worked example and the commands' help texts are
   written from the data and the code that decide, so that the pages can't drift from them.
2. Drawings beside the pages, and the examples in the verification service's description, are written in the same way.
3. ``--check`` writes nothing and exits with 1 when a page is out of date; a test runs it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from icard_crypto.card.fields import FIELDS, SERVICES, Field
from icard_crypto.errors import catalogue
from icard_crypto.lists.list_maps import FIELDS as LIST_FIELDS
from icard_crypto.lists.list_maps import ListField
from issuer.permits.processes import MACHINES, diagram
from tools import benchmark_drawings, benchmark_page, endpoints_table, service_page, worked_example
from tools.issuing_figures import issuing_figures, origin_figures, service_figures
from tools.notices_table import notices_table
from tools.process_figures import (
    insurance_figures,
    month_end_figures,
    permit_figures,
    portal_figures,
    storage_figures,
)
from tools.scale_figures import column_figures, contention_figures, growth_figures
from tools.scan_page import scan_page_figures, screens_table
from tools.service_examples import EXAMPLES, examples_json
from tools.settings_table import settings_table
from verifier.decision import verifier as decision

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

_MAP_TITLES = {
    "claims": "The claims set (RFC 8392)",
    "confirmation": "cnf (8), the holder's key (RFC 8747); reserved",
    "status": "status (65535), IETF Token Status List",
    "status_list": "status_list inside status",
    "identity": "identity (169), MOSIP Claim 169 version 1.2",
    "card": "card (-65537)",
    "permit": "permit, key 1 of card",
    "insurance": "insurance, key 2 of card",
    "exemption": "an exemption: a list of four, in this order",
}
_TYPES = {"day": "int, days", "month": "int, months", "birthday": "text, YYYYMMDD", "int": "int", "text": "text"}


def fields() -> str:
    """One table for each map of the claims."""
    parts = []
    for name, title in _MAP_TITLES.items():
        rows = [_field_row(field) for field in FIELDS[name].values()]
        parts.append(
            f"**{title}**\n\n| key | field | type | bounds | form, values |\n| --- | --- | --- | --- | --- |\n"
        )
        parts.append("\n".join(rows) + "\n\n")
    return "".join(parts)


def diagrams() -> str:
    """Every state machine of the permit processes, as Mermaid draws it."""
    return "\n".join(f"**{one.title}**\n\n```mermaid\n{diagram(one)}```\n" for one in MACHINES.values())


def _field_row(field: Field) -> str:
    values = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in field.values.items())
    form = "; ".join(filter(None, [field.form, values]))
    name = f"**{field.name}**" if field.required else field.name
    key = f'"{field.key}"' if isinstance(field.key, str) else field.key
    return f"| {key} | {name} | {_TYPES.get(field.type, field.type)} | {field.length} | {form} |"


_TRUST_TITLES = {
    "trust_list": "The payload",
    "issuer": "an issuer, an entry of issuers",
    "names": "names of an issuer",
    "region": "an entry of regions",
    "prefix": "an entry of status_prefixes",
    "issuer_key": "a key, an entry of an issuer's keys",
    "revoked": "revoked of a key",
}
_STATUS_TITLES = {"status_token": "The claims set (RFC 8392)", "status_list": "status_list (65533)"}
_TIMESTAMP_TITLES = {
    "timestamp": "The payload",
    "thumbprint": "an entry of denied",
    "lowest_iat": "a value of lists, by status uri",
}
_LIST_UNITS = {"text": " characters", "bytes": " bytes", "list": " entries", "map": " entries"}


def list_fields(titles: dict[str, str]) -> str:
    """One table for each map of a list, and for each element that has bounds of its own."""
    parts = []
    for name, title in titles.items():
        rows = [_list_field_row(field) for field in LIST_FIELDS[name].values()]
        head = "| key | field | type | bounds | form |\n| --- | --- | --- | --- | --- |"
        parts.append(f"**{title}**\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _list_field_row(field: ListField) -> str:
    span = f"{field.low}" if field.low == field.high else f"{field.low} to {field.high}"
    # Key 0 stands for an element, which has no key.
    key = "" if field.key == 0 else f'"{field.key}"' if isinstance(field.key, str) else field.key
    name = field.name if field.optional or field.key == 0 else f"**{field.name}**"
    return f"| {key} | {name} | {field.type} | {span}{_LIST_UNITS.get(field.type, '')} | {field.form or ''} |"


def services() -> str:
    """The registry of services."""
    rows = [f"| {service.number} | {service.name} | {service.en} | {service.zh} |" for service in SERVICES.values()]
    return "| number | name | English | 中文 |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


_READER_LAYERS = ("text", "base45", "zlib", "cose", "header", "cbor", "claims", "key")


_LIST_LAYERS = ("trust", "status", "timestamp", "bundle", "uri")


def refusals(layers: tuple[str, ...] = _READER_LAYERS) -> str:
    """Every code that a reader of these layers may refuse with."""
    rows = [f"| `{code}` | {texts['en']} |" for code, texts in catalogue().items() if code.split(".")[0] in layers]
    rows.sort(key=lambda row: layers.index(row[3:].split(".")[0]))
    return "| code | what is wrong |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def checks() -> str:
    """The numbered contract of the verifier, from its docstring."""
    contract = (decision.__doc__ or "").partition(":\n\n")[2].partition("\n\n")[0]
    return "\n".join(line.strip() for line in contract.splitlines()) + "\n"


def reasons() -> str:
    """Every reason with its words."""
    table = json.loads((ROOT / "verifier" / "decision" / "reasons.json").read_text("utf-8"))["reasons"]
    rows = [
        f"| {row['outcome']} | `{name}` | {row['en']} {row['do_en']} | {row['zh']}{row['do_zh']} |"
        for name, row in table.items()
    ]
    return "| outcome | reason | English | 中文 |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"


_POLICY_NOTES = {
    "gate": "the permit alone",
    "inspection": "gate, and the employer disclosed, the insurance live",
    "benefit": "medical insurance, live",
    "offline": "gate, with status lists and timestamps accepted up to their own ends: by default 31 and 7 days",
    "unsafe_no_status": "no status list at all: for a first try and for tests; a revoked card is VALID here",
}


def policies() -> str:
    """The shipped policies and what they ask for."""
    shipped = json.loads((ROOT / "verifier" / "decision" / "policies.json").read_text("utf-8"))["policies"]
    rows = [f"| `{name}` | {_POLICY_NOTES[name]} | `{json.dumps(asked)}` |" for name, asked in shipped.items()]
    return "| policy | for | as JSON |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"


BLOCKS: dict[str, Callable[[], str]] = {
    "fields": fields,
    "services": services,
    "refusals": refusals,
    "checks": checks,
    "reasons": reasons,
    "policies": policies,
    "example": worked_example.markdown,
    "trust-fields": lambda: list_fields(_TRUST_TITLES),
    "status-fields": lambda: list_fields(_STATUS_TITLES),
    "timestamp-fields": lambda: list_fields(_TIMESTAMP_TITLES),
    "list-refusals": lambda: refusals(_LIST_LAYERS),
    "issuing-figures": issuing_figures,
    "origin-figures": origin_figures,
    "service-figures": service_figures,
    "data-figures": column_figures,
    "growth-figures": growth_figures,
    "contention-figures": contention_figures,
    "permit-figures": permit_figures,
    "insurance-figures": insurance_figures,
    "month-end-figures": month_end_figures,
    "portal-figures": portal_figures,
    "storage-figures": storage_figures,
    "settings": settings_table,
    "notices": notices_table,
    "processes": diagrams,
    "screens": screens_table,
    "scan-page-figures": scan_page_figures,
    **endpoints_table.BLOCKS,
    **benchmark_page.BLOCKS,
    **service_page.BLOCKS,
}


def fill(page: str) -> str:
    """The page with every generated block written afresh."""
    return _BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match['name']]()}\n{match[3]}", page)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 when a page is out of date")
    check = parser.parse_args().check
    pages = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
    wanted = {path: fill(path.read_text("utf-8")) for path in pages}
    wanted |= {path: draw() for path, draw in benchmark_drawings.DRAWINGS.items()}
    wanted[EXAMPLES] = examples_json()
    stale = []
    for path, content in wanted.items():
        if not path.exists() or path.read_text("utf-8") != content:
            stale.append(path.relative_to(ROOT))
            if not check:
                path.write_text(content, "utf-8")
    for path in stale:
        print(f"{'out of date' if check else 'written'}: {path}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
