"""Bytes and texts: base45, strict CBOR, the envelope around a code."""
