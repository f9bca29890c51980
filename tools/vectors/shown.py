"""``refuse/``: what is wrong with the text itself, its base45 or its zlib stream."""

from __future__ import annotations

import zlib

from icard_crypto.encoding import base45, envelope
from tools.vectors.base import Json, payload, signed
from tools.vectors.refusal import refused
from tools.vectors.valid import stored

__all__ = ["vectors"]

_GENUINE = signed(payload())
_TEXT = envelope.to_ic1(_GENUINE)
_STREAM = stored(_GENUINE)

#: What people scan by mistake: name, code, text.
_OTHER_CODES = (
    ("web-address", "text.web_address", "https://www.example.com/menu?table=7"),
    ("web-address-capitals", "text.web_address", "HTTP://EXAMPLE.COM/"),
    ("web-address-bare", "text.web_address", "www.example.com"),
    ("payment-wechat", "text.web_address", "weixin://wxpay/bizpayurl?pr=AbCdEfG"),
    ("payment-alipay", "text.web_address", "alipays://platformapi/startapp?appId=20000067"),
    ("vaccination-eu", "text.vaccination_certificate", "HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH-R6IOOK.IR9B+9"),
    ("vaccination-smart", "text.vaccination_certificate", "shc:/5676290952432060346029243740446031222959532654603460"),
    ("wifi", "text.wifi", "WIFI:T:WPA;S:guest;P:hunter22;;"),
    ("contact-vcard", "text.contact", "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Example Person\r\nEND:VCARD\r\n"),
    ("contact-mecard", "text.contact", "MECARD:N:Person,Example;TEL:02100000000;;"),
    ("contact-mail", "text.contact", "mailto:someone@example.com"),
    ("contact-telephone", "text.contact", "tel:+862100000000"),
    ("contact-sms", "text.contact", "sms:+862100000000"),
    ("contact-smsto", "text.contact", "SMSTO:+862100000000:Hello"),
    ("event-calendar", "text.event", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"),
    ("event-bare", "text.event", "BEGIN:VEVENT\r\nSUMMARY:Lunch\r\nEND:VEVENT\r\n"),
    ("place", "text.place", "geo:31.2304,121.4737"),
    ("sign-in-secret", "text.secret", "otpauth://totp/Example:someone?secret=GEZDGNBVGY3TQOJQ&issuer=Example"),
    ("sign-in-secrets-moved", "text.secret", "otpauth-migration://offline?data=CjEKCkhlbGxv"),
    ("credential-mdoc", "text.other_credential", "mdoc:owBjMS4wAYIB2BhYS6QBAiABIVggWojRgrzl9C76WZQ"),
    ("credential-openid4vp", "text.other_credential", "openid4vp://?client_id=example"),
    (
        "credential-offer",
        "text.other_credential",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fexample",
    ),
    ("credential-jwt", "text.other_credential", "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJleGFtcGxlIn0.c2lnbmF0dXJl"),
    ("seal-2d-doc", "text.official_seal", "DC03FR000001125E125C0026FR247500010"),
    (
        "seal-icao",
        "text.official_seal",
        '{"data":{"hdr":{"t":"icao.test","v":1,"is":"UTO"},"msg":{}},"sig":{"alg":"ES256"}}',
    ),
    ("boarding-pass", "text.boarding_pass", "M1EXAMPLE/PERSON      EABC123 PVGPEKMU 5101 226Y001A0025 100"),
    ("newer-format", "text.newer_format", "IC2:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC*WIF"),
    ("barcode", "text.unknown", "6901234567892"),
    ("prose", "text.unknown", "请在前台登记。"),
    ("prefix-cut", "text.unknown", _TEXT[1:]),
    ("other-base45", "text.unknown", base45.encode(b"Hello, world, this is no card.")),
    ("zlib-small-window", "text.unknown", base45.encode(b"\x68\x81" + _STREAM[2:])),
)


def _others() -> dict[str, Json]:
    return {
        f"other-{name}": refused("Another kind of code, or none.", "text", code, text)
        for name, code, text in _OTHER_CODES
    }


def _scanners() -> dict[str, Json]:
    """What a scanner's set-up makes of a code, which no card and no holder can help."""
    keyboard = "text.keyboard_layout"
    return {
        "scanner-prefix": refused(
            "Two characters that a scanner puts before a code.", "text", "text.scanner_prefix", "02" + _TEXT, offset=0
        ),
        "scanner-prefix-quoted": refused("In quotation marks.", "text", "text.scanner_prefix", f'"{_TEXT}"', offset=0),
        "scanner-keyboard": refused(
            "The colon as a German keyboard types it.", "text", keyboard, _TEXT.replace(":", "Ö")
        ),
        "scanner-keyboard-french": refused(
            "As a French keyboard types it.", "text", keyboard, "IC&M" + _TEXT[4:].replace(":", "M")
        ),
        "scanner-keyboard-behind-prefix": refused(
            "Another keyboard's colon, behind a prefix.", "text", keyboard, "02IC1Ñ" + _TEXT[4:]
        ),
    }


def _sizes() -> dict[str, Json]:
    return {
        "text-8193-characters": refused("One character too many.", "text", "text.too_large", "IC1:".ljust(8193, "0")),
        "bytes-16385": refused("One byte too many.", "text", "text.too_large", b"\xd2".ljust(16385, b"\0")),
        "empty-text": refused("Nothing.", "text", "text.empty", ""),
        "empty-bytes": refused("Nothing.", "text", "text.empty", b""),
        "white-space-only": refused("Only white space.", "text", "text.empty", " \r\n\t "),
        "bytes-jpeg": refused("A picture.", "text", "text.binary", bytes.fromhex("ffd8ffe000104a4649460001")),
        "bytes-gzip": refused("gzip is not zlib.", "text", "text.binary", b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x03\0"),
    }


def _put(at: int, characters: str) -> str:
    return _TEXT[:at] + characters + _TEXT[at + len(characters) :]


def _full_width(text: str) -> str:
    return "".join(chr(ord(character) + 0xFEE0) if character > " " else "\u3000" for character in text)


def _spelling() -> dict[str, Json]:
    letter = next(at for at, character in enumerate(_TEXT) if at > 40 and character.isalpha())
    lower, wide = _put(letter, _TEXT[letter].lower()), _put(letter, _full_width(_TEXT[letter]))
    first = "Only the first is told."
    claim169 = base45.encode(_STREAM)
    claim169_letter = next(at for at, character in enumerate(claim169) if character.isalpha())
    return {
        "lower-case": refused(f"All in lower case. {first}", "text", "text.lower_case", _TEXT.lower(), offset=0),
        "lower-case-letter": refused("One letter in lower case.", "text", "text.lower_case", lower, offset=letter),
        "lower-case-prefix": refused("Only the prefix.", "text", "text.lower_case", "ic1:" + _TEXT[4:], offset=0),
        "lower-case-claim169": refused(
            "Claim 169 in lower case.", "text", "text.lower_case", claim169.lower(), offset=claim169_letter
        ),
        "full-width": refused(f"All full-width. {first}", "text", "text.full_width", _full_width(_TEXT), offset=0),
        "full-width-letter": refused("One letter full-width.", "text", "text.full_width", wide, offset=letter),
        "full-width-colon": refused(
            "The prefix with a full-width colon.", "text", "text.full_width", _put(3, "："), offset=3
        ),
        "mixed-forms": refused(
            "A zlib stream behind IC1:.", "text", "text.mixed_forms", "IC1:" + base45.encode(_STREAM)
        ),
        "prefix-missing": refused("IC1 without its prefix.", "text", "text.prefix_missing", _TEXT[4:]),
        "prefix-missing-tag-61": refused(
            "IC1 without its prefix, tag 61.", "text", "text.prefix_missing", base45.encode(b"\xd8\x3d" + _GENUINE)
        ),
    }


def _base45() -> dict[str, Json]:
    odd = next(text for text in (_TEXT, envelope.to_ic1(_GENUINE + b"\0")) if (len(text) - 4) % 3 == 0)
    pair = next(text for text in (_TEXT, envelope.to_ic1(_GENUINE + b"\0")) if (len(text) - 4) % 3 == 2)
    behind = len(_TEXT)
    made = {
        "underscore": ("A character outside the alphabet.", "base45.character", _put(50, "_"), 50),
        "comma": ("A character outside the alphabet.", "base45.character", _put(51, ","), 51),
        "letter-with-mark": ("A letter outside ASCII.", "base45.character", _put(52, "É"), 52),
        "nul": ("A control character inside is no white space to drop.", "base45.character", _put(53, "\0"), 53),
        "no-break-space-at-end": ("Only ASCII white space is dropped.", "base45.character", _TEXT + "\u00a0", behind),
        "one-character-over": ("A length that no encoder makes.", "base45.length", odd + "0", len(odd)),
        "space-added": (
            "An inner space is a character, never dropped.",
            "base45.length",
            f"{odd[:64]} {odd[64:]}",
            len(odd),
        ),
        "group-65536": ("A group of three for 65,536, one too large.", "base45.overflow", _put(34, "GGW"), 34),
        "group-largest": ("A group of three for 91,124.", "base45.overflow", _put(64, ":::"), 64),
        "pair-256": ("A last pair for 256, one too large.", "base45.overflow", pair[:-2] + "V5", len(pair) - 2),
    }
    return {
        f"base45-{name}": refused(about, "text", code, text, offset=offset)
        for name, (about, code, text, offset) in made.items()
    }


def _inflating_to(size: int) -> bytes:
    """A zlib stream of ``size`` zero bytes in one block of fixed Huffman codes (RFC 1951 section 3.2.6)."""
    matches, literals = divmod(size - 1, 258)
    zero, match, end = "00110000", "11000101" + "00000", "0000000"
    bits = "1" + "10" + zero * (literals + 1) + match * matches + end
    packed = bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))
    return b"\x78\x01" + packed + zlib.adler32(bytes(size)).to_bytes(4, "big")


def _zlib() -> dict[str, Json]:
    wrong_sum = _STREAM[:-1] + bytes((_STREAM[-1] ^ 1,))
    end = len(_STREAM)
    made = {
        "checksum": ("The Adler-32 is wrong.", "zlib.corrupt", wrong_sum, None),
        "block-type": ("A block of the reserved type.", "zlib.corrupt", b"\x78\x01\x07" + _STREAM[3:], None),
        "dictionary": ("A stream that needs a preset dictionary.", "zlib.corrupt", b"\x78\x20" + _STREAM[2:], None),
        "checksum-cut": ("The last byte is missing.", "zlib.truncated", _STREAM[:-1], end - 1),
        "content-cut": ("The second half is missing.", "zlib.truncated", _STREAM[: end // 2], end // 2),
        "header-only": ("Two bytes of a header, no more.", "zlib.truncated", _STREAM[:2], 2),
        "byte-behind": ("A byte behind the stream.", "zlib.trailing_bytes", _STREAM + b"\0", end),
        "stream-behind": ("A second stream behind the first.", "zlib.trailing_bytes", _STREAM + _STREAM, end),
        "16385": ("Inflates to one byte too many.", "zlib.too_large", _inflating_to(16385), None),
        "bomb": ("Inflates to half a megabyte.", "zlib.too_large", _inflating_to(2**19), None),
    }
    found = {
        f"zlib-{name}": refused(about, "zlib", code, base45.encode(stream), offset=offset)
        for name, (about, code, stream, offset) in made.items()
    }
    found["zlib-bytes-cut"] = refused(
        "Shown as bytes; the last one is missing.", "zlib", "zlib.truncated", _STREAM[:-1], offset=end - 1
    )
    found["zlib-twice"] = refused(
        "A stream inside a stream.", "cose", "cose.wrong_tag", base45.encode(stored(_STREAM)), offset=0
    )
    return found


def vectors() -> dict[str, Json]:
    """``refuse/*.json`` of the layers text, base45 and zlib."""
    return _others() | _scanners() | _sizes() | _spelling() | _base45() | _zlib()
