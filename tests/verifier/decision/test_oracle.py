"""Against an oracle: in any mixture of good and bad, VALID comes out exactly where every single condition holds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.kit.reference import ISSUED_AT, STATUS
from tests.kit.trust_domain import CARD_KEY, DAY, HOUR, NOW, OTHER_KEY, TIMESTAMP, TRUST_LIST, World, claims, code
from verifier import Policy, Revocation

GATE = Policy.named("gate")
PLAIN, FOREIGN, ENDED = code(), code(permit={"region": "440300"}), code(expires=NOW + DAY)
STRANGER = code(key=OTHER_KEY)
END = {PLAIN: claims().expires, ENDED: NOW + DAY}


def moments(*around: int) -> st.SearchStrategy[int]:
    """Moments at, just before, just after and far from some limits."""
    return st.sampled_from([moment + step for moment in around for step in (-DAY, -301, -300, -1, 0, 1, 300, 301, DAY)])


@settings(max_examples=1000, deadline=None)
@given(
    now=moments(NOW, NOW + DAY),
    shown=st.sampled_from([PLAIN] * 5 + [ENDED, ENDED, FOREIGN, STRANGER]),
    entry=st.sampled_from([0] * 12 + [1, 2, 3, 7, 12, 13, 14]),
    floor=st.sampled_from([0, 0, 0, 0, NOW, NOW + 301, NOW + DAY]),
    listed=st.sampled_from([True] * 6 + [False]),
    trust_exp=st.sampled_from([NOW + 300 * DAY] * 3 + [NOW, NOW + DAY]),
    trust_version=st.sampled_from([7, 7, 7, 7, 8]),
    timestamp_iat=st.sampled_from([NOW - HOUR, NOW - HOUR, NOW - 3 * DAY]),
    timestamp_exp=st.sampled_from([NOW + 4 * DAY] * 3 + [NOW, NOW + DAY]),
    lowest=st.sampled_from([0, 0, 0, 0, NOW - HOUR + 1]),
    status_iat=st.sampled_from([NOW - HOUR, NOW - HOUR, NOW - DAY, NOW + 301]),
    status_exp=st.sampled_from([NOW + 20 * DAY] * 3 + [NOW, NOW + DAY]),
    revoked=st.sampled_from(
        [
            None,
            None,
            Revocation(ISSUED_AT, "retired"),
            Revocation(ISSUED_AT - 1, "retired"),
            Revocation(NOW, "compromised"),
        ]
    ),
    denied=st.sampled_from([False] * 6 + [True]),
)
def test_valid_exactly_where_everything_holds(
    now: int,
    shown: str,
    entry: int,
    floor: int,
    listed: bool,
    trust_exp: int,
    trust_version: int,
    timestamp_iat: int,
    timestamp_exp: int,
    lowest: int,
    status_iat: int,
    status_exp: int,
    revoked: Revocation | None,
    denied: bool,
) -> None:
    """The conditions are written out once more, as one conjunction, without order and without reasons."""
    world = World(
        entry=entry,
        floor=floor,
        status_list=listed,
        trust_list=replace(TRUST_LIST, exp=trust_exp),
        timestamp=replace(
            TIMESTAMP,
            iat=timestamp_iat,
            exp=timestamp_exp,
            trust_version=trust_version,
            lists={STATUS.uri: lowest},
            denied=frozenset({CARD_KEY.verifying_key.thumbprint} if denied else ()),
        ),
        status_iat=status_iat,
        status_exp=status_exp,
        revoked=revoked,
    )
    verdict = world.verify(shown, now=now)
    known_floor = max(floor, timestamp_iat, TRUST_LIST.iat)
    moment = max(now, known_floor)
    genuine = shown in END and not denied and (revoked is None or revoked == Revocation(ISSUED_AT, "retired"))
    in_time = now >= known_floor - 300 and moment < END.get(shown, 0)
    trust_fresh = moment < trust_exp and trust_version == 7
    timestamp_fresh = moment < timestamp_exp and moment - timestamp_iat <= 3 * DAY
    status_fresh = listed and moment < status_exp and moment - status_iat <= DAY and lowest <= status_iat <= now + 300
    good = genuine and in_time and trust_fresh and timestamp_fresh and status_fresh and entry in (0, 13)
    event(f"good: {good}")
    assert (verdict.outcome == "VALID") is good
    for_ever = genuine and listed and entry in (1, 3)
    if for_ever or (genuine and moment >= END[shown]) or (shown != STRANGER and denied):
        assert verdict.outcome == "INVALID"
    if verdict.outcome == "INDETERMINATE":
        assert verdict.reason in {
            "clock_unreliable",
            "trust_list_stale",
            "timestamp_stale",
            "status_missing",
            "status_stale",
            "status_unknown",
        }
    assert (verdict.card is not None) <= (shown != STRANGER and not denied)
