"""``python -m tests.kit.load_clients URL SECONDS < CODE``: a mixed load from one client on one connection.

Mostly texts, good and bad; now and then a picture, a batch, wrong use, and a connection that is left in the middle of a
request. The last line says in JSON how often each status was answered.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from icard_crypto import qr

__all__: list[str] = []

_LINES = 200


def main(url: str, seconds: float, code: str) -> Counter[str]:
    """Ask until the time is over; how often each status was answered."""
    chance = random.Random(7)
    picture = qr.draw_png(code)
    batch = (json.dumps({"code": code}).encode() + b"\n{\n") * (_LINES // 2)
    kinds = {
        ("text/plain", "/v1/verify"): (80, [code.encode()]),
        ("application/json", "/v1/verify"): (20, [json.dumps({"code": code}).encode(), b'{"code": 5}', b"{"]),
        ("text/plain; charset=utf-8", "/v1/verify"): (15, [b"", b"\xff", b"IC1:0", code[:-2].encode(), b"A" * 9000]),
        ("image/png", "/v1/verify"): (3, [picture, picture[:500], b"no picture"]),
        ("application/x-ndjson", "/v1/verify/batch"): (1, [batch]),
        ("text/html", "/v1/verify"): (1, [b"x"]),
    }
    weights = [weight for weight, _ in kinds.values()]
    told: Counter[str] = Counter()
    host, port = urlsplit(url).hostname or "", urlsplit(url).port
    connection = http.client.HTTPConnection(host, port, timeout=60)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ((kind, path),) = chance.choices(list(kinds), weights)
        body = chance.choice(kinds[kind, path][1])
        if chance.random() < 0.01:
            connection.putrequest("POST", path)
            connection.putheader("Content-Type", kind)
            connection.putheader("Content-Length", str(len(body) + 1))
            connection.endheaders(body)
            connection.close()
            told["left"] += 1
            continue
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
        told[str(answer.status)] += 1
    return told


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], float(sys.argv[2]), sys.stdin.read().strip())), flush=True)
