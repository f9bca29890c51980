"""``icard inspect``: every layer, marked as not authenticated until a signature holds, and as far as it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from icard_crypto import qr
from icard_crypto.card.card import Profile
from icard_crypto.card.claims import encode_claims
from icard_crypto.encoding import cbor, envelope
from icard_crypto.signing import cose
from tests.kit.cli import run, trusted_file
from tests.kit.trust_domain import CARD_KEY, OTHER_KEY, claims, code, signed
from verifier.cli.commands import app


def layers(parts: list[dict[str, Any]], *names: str) -> dict[str, Any]:
    """The layer at a path of names, each the start of a layer's name."""
    [found] = [part for part in parts if part["name"].startswith(names[0])]
    result: dict[str, Any] = layers(found["parts"], *names[1:]) if len(names) > 1 else found
    return result


def inspected(shown: str | Path, *options: str | Path) -> dict[str, Any]:
    """The JSON of an inspection that finds no fault."""
    done = run(app, "inspect", shown, "--json", *options)
    assert (done.status, done.err) == (0, "")
    [found] = done.lines
    assert isinstance(found, dict)
    return found


def test_tree_has_every_layer_with_its_size() -> None:
    """Sizes and offsets are those of the bytes."""
    text = code(Profile.AUTHORITY)
    message = envelope.read(text).cose
    found = inspected(text)
    parts = found["layers"]
    assert [part["name"] for part in parts] == ["text", "base45", "COSE_Sign1"]
    assert (parts[0]["size"], parts[0]["unit"], parts[0]["value"]) == (len(text), "characters", "IC1")
    assert (parts[1]["size"], parts[2]["size"]) == (len(message), len(message))
    parsed = cose.parse_sign1(message)
    for name in ("protected", "payload", "signature"):
        part, content = layers(parts, "COSE_Sign1", name), getattr(parsed, name)
        assert message[part["offset"] : part["offset"] + part["size"]] == content


def test_claims_have_names_meanings_and_exact_places() -> None:
    """A claim's offset and size cut its very bytes out of the payload, on every level."""
    text = code(Profile.AUTHORITY)
    payload = cose.parse_sign1(envelope.read(text).cose).payload
    parts = inspected(text)["layers"]
    until = layers(parts, "COSE_Sign1", "payload", "-65537 card", "1 permit", "7 until")
    assert until["value"] == "21304 (2028-04-30)"
    assert payload[until["offset"] :][: until["size"]] == cbor.encode(7) + cbor.encode(21304)
    index = layers(parts, "COSE_Sign1", "payload", "65535 status", '"status_list"', '"idx"')
    assert payload[index["offset"] :][: index["size"]] == cbor.encode("idx") + cbor.encode(48231)
    schemes = layers(parts, "COSE_Sign1", "payload", "-65537 card", "2 insurance", "2 schemes")
    assert schemes["value"] == "26 (medical, work_injury, maternity)"
    assert layers(parts, "COSE_Sign1", "protected", "1 alg")["value"] == "-8 Ed25519"


def test_claim_169_shows_its_zlib_layer() -> None:
    """Packed and inflated sizes are both there."""
    message = envelope.read(code()).cose
    parts = inspected(envelope.to_claim169(message))["layers"]
    assert [part["name"] for part in parts] == ["text", "base45", "zlib", "COSE_Sign1"]
    assert parts[2]["value"] == f"inflates to {len(message)} bytes"


def test_files_and_pictures_are_opened(tmp_path: Path) -> None:
    """COSE bytes and pictures are taken as `verify` takes them."""
    (tmp_path / "a.cose").write_bytes(envelope.read(code()).cose)
    (tmp_path / "a.png").write_bytes(qr.draw(code()).png())
    assert inspected(tmp_path / "a.cose")["layers"][0] == {
        "name": "bytes",
        "size": len(envelope.read(code()).cose),
        "unit": "bytes",
        "value": "COSE",
    }
    assert inspected(tmp_path / "a.png")["layers"][0]["value"] == "IC1"


def test_authenticated_only_where_the_signature_of_a_trusted_key_holds(tmp_path: Path) -> None:
    """Without trusted keys, with a stranger's key and after a change of one byte it is not authenticated."""
    trusted = trusted_file(tmp_path)
    assert inspected(code())["authenticated"] is False
    assert inspected(code(key=OTHER_KEY), "--trusted", trusted)["authenticated"] is False
    message = bytearray(envelope.read(code()).cose)
    message[-1] ^= 1
    assert inspected(envelope.to_ic1(bytes(message)), "--trusted", trusted)["authenticated"] is False
    good = inspected(code(), "--trusted", trusted)
    assert (good["authenticated"], good["issuer"]) == (True, "cn.310000")
    assert good["key"]["kid"] == CARD_KEY.verifying_key.kid.hex()


def test_people_see_the_mark(tmp_path: Path) -> None:
    """The first line of the tree says whether anything of it is authenticated."""
    assert run(app, "inspect", code()).out.splitlines()[0] == "not authenticated"
    good = run(app, "inspect", code(), "--trusted", trusted_file(tmp_path)).out.splitlines()[0]
    kid = CARD_KEY.verifying_key.kid.hex()
    assert good == f"authenticated: signature holds, key of cn.310000, kid {kid}"
    assert run(app, "inspect", code(), "--lang", "zh").out.splitlines()[0] == "未验证签名"


def test_issuer_that_the_key_may_not_speak_for_is_not_authenticated(tmp_path: Path) -> None:
    """A good signature by a key of another issuer than the card names authenticates nothing."""
    other = code(issuer="cn.440000")
    assert inspected(other, "--trusted", trusted_file(tmp_path))["authenticated"] is False


def test_what_is_not_understood_is_marked() -> None:
    """Unknown claims, subkeys and headers are shown and marked."""
    payload = cbor.decode(encode_claims(claims()), max_bytes=9999, max_items=999)
    assert isinstance(payload, dict)
    payload[-70000] = "new"
    card = payload[-65537]
    assert isinstance(card, dict)
    card[44] = [1]
    found = inspected(envelope.to_ic1(signed(cbor.encode(payload))))
    assert layers(found["layers"], "COSE_Sign1", "payload", "-70000")["understood"] is False
    assert layers(found["layers"], "COSE_Sign1", "payload", "-65537", "44")["understood"] is False
    assert set(found["not_understood"]) == {"claims.-70000", "card.44"}
    shown = run(app, "inspect", envelope.to_ic1(signed(cbor.encode(payload)))).out
    assert '-70000: "new"' in shown
    assert shown.count("not understood") == 2


def test_text_in_a_code_cannot_move_the_cursor() -> None:
    """Control and format characters of an unauthenticated text are escaped."""
    shown = run(app, "inspect", envelope.to_ic1(signed(cbor.encode({1: "a\x1b[2J\u202eb"})))).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\u001b[2J\\u202eb" in shown


def faulty() -> dict[str, tuple[str, str, list[str]]]:
    """Codes with one fault each: the error's code and the layers that can be seen all the same."""
    message = envelope.read(code()).cose
    trailing = envelope.to_ic1(message + b"\0")
    typ = envelope.to_ic1(cose.sign_token(encode_claims(claims()), CARD_KEY, "application/other"))
    no_map = envelope.to_ic1(signed(cbor.encode([1, 2])))
    rubbish = envelope.to_ic1(signed(b"\xff"))
    return {
        "half": (code()[:200], "base45.length", ["text", "base45", "COSE_Sign1"]),
        "lower": (code().lower(), "text.lower_case", ["text"]),
        "address": ("https://example.com", "text.web_address", ["text"]),
        "trailing": (trailing, "cose.trailing_bytes", ["text", "base45", "COSE_Sign1"]),
        "typ": (typ, "header.typ", ["text", "base45", "COSE_Sign1"]),
        "no map": (no_map, "claims.wrong_type", ["text", "base45", "COSE_Sign1"]),
        "rubbish": (rubbish, "cbor.indefinite_length", ["text", "base45", "COSE_Sign1"]),
        "zlib": (envelope.to_claim169(message)[:-30], "zlib.truncated", ["text", "base45"]),
    }


@pytest.mark.parametrize("name", faulty())
def test_faulty_code_shows_the_tree_as_far_as_it_goes(name: str) -> None:
    """Exit status 1, the layers before the fault, and the error with its code."""
    shown, error, names = faulty()[name]
    done = run(app, "inspect", shown, "--json")
    [found] = done.lines
    assert done.status == 1
    assert [part["name"] for part in found["layers"]] == names
    assert found["error"]["code"] == error


def test_fault_is_told_with_offset_expected_and_found() -> None:
    """People get the same on standard error, in one line with the code."""
    done = run(app, "inspect", code()[:100] + "?" + code()[101:])
    assert done.status == 1
    line = done.err.splitlines()[0]
    assert line.startswith("error: ")
    assert "at offset 100" in line
    assert line.endswith("found U+003F (base45.character)")
    assert done.out.startswith("not authenticated\n")


def test_wrong_headers_do_not_hide_the_payload() -> None:
    """A code with a typ is refused, and its claims are shown all the same."""
    shown = faulty()["typ"][0]
    [found] = run(app, "inspect", shown, "--json").lines
    assert layers(found["layers"], "COSE_Sign1", "payload", "1 iss")["value"] == '"cn.310000"'


def test_picture_without_a_code_is_an_error(tmp_path: Path) -> None:
    """There is nothing to show, and the error says why."""
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run(app, "inspect", path)
    assert done.status == 1
    assert "(picture.broken)" in done.err


def test_first_of_two_faults_is_told() -> None:
    """A wrong header stands before a payload that is no CBOR; the error is the header's."""
    shown = envelope.to_ic1(cose.sign_token(b"\xff", CARD_KEY, "application/other"))
    [found] = run(app, "inspect", shown, "--json").lines
    assert found["error"]["code"] == "header.typ"
