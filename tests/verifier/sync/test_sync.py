"""The sync agent against a real HTTPS origin that misbehaves: it keeps what it has, and says how old it is."""

from __future__ import annotations

import csv
import ipaddress
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from icard_crypto import limits
from icard_crypto.errors import StateError
from tests.kit.adversary import DAY, EXP, ISSUERS, PREFIXES, STATUS_KEY, STRANGER, published, put
from tests.kit.origin import Authority, Origin
from tests.kit.publisher import ANCHOR, INDEX, NOW, another_domain, code, compromise, status, timestamp, with_status_key
from verifier import Policy, Verdict, Verifier
from verifier.runtime.outbound.addresses import is_allowed, networks
from verifier.runtime.outbound.fetching import Deadline
from verifier.store import Store
from verifier.sync import Agent, Limits, Round
from verifier.sync.http import HttpFetch
from verifier.sync.journal import read_journal

BASE_HOST, STATUS_HOST = "cards.example", "sh.example"
LOOPBACK = networks(["127.0.0.1/32"])


@dataclass
class Site:
    """A domain published on a real origin, a state that follows it, and an agent between them."""

    origin: Origin
    store: Store
    limits: Limits
    anchor: bytes
    now: int = NOW
    names: dict[str, list[str]] | None = None
    looked_up: list[str] | None = None

    @property
    def prefix(self) -> str:
        return f"https://{STATUS_HOST}:{self.origin.port}/status/"

    @property
    def uri(self) -> str:
        return f"{self.prefix}list-1"

    def source(self, path: str) -> str:
        """The address of a path of the published tree."""
        return f"https://{BASE_HOST}:{self.origin.port}/{path}"

    def resolve(self, host: str, port: int) -> list[str]:
        assert self.looked_up is not None
        self.looked_up.append(host)
        if self.names is not None and host in self.names:
            return self.names[host]
        return ["127.0.0.1"]

    def agent(self, **changes: Any) -> Agent:
        limits = Limits(**{**{n: getattr(self.limits, n) for n in Limits.__slots__}, **changes})
        return Agent(
            Store(self.store.folder),
            limits,
            connect=lambda given: HttpFetch(given, resolver=self.resolve),
            clock=lambda: self.now,
            chance=random.Random(1),
            sleep=lambda _: None,
        )

    def sync(self, **changes: Any) -> Round:
        """One round."""
        (made,) = self.agent(**changes).once()
        return made

    def publish(self, iat: int, entries: dict[int, int] | None = None, *, trust: bytes = b"", **options: Any) -> None:
        """Put a new status list, and a timestamp that names it, on the origin."""
        self.origin.files["/status/list-1"] = status(iat, entries, uri=self.uri, **options)
        self.origin.files["/timestamp.cbor"] = timestamp(iat, trust=trust or self.anchor, lists={self.uri: iat})

    def verify(self, later: int = 0) -> Verdict:
        """The verdict on a good code by what the folder holds, so many seconds later."""
        shown = code(uri=self.uri, index=INDEX)
        return Verifier(Store(self.store.folder).load(), Policy.named("gate")).verify(shown, now=self.now + later)

    def faults(self, made: Round) -> dict[str, str]:
        """The faults' codes by path."""
        return {source.partition(f":{self.origin.port}")[2]: error.code for source, error in made.faults}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def site(tmp_path: Path, authority: Authority) -> Iterator[Site]:
    """A site that is published, and a state that has its anchor alone."""
    with Origin(authority.server_context(BASE_HOST, STATUS_HOST)) as origin:
        prefix = f"https://{STATUS_HOST}:{origin.port}/status/"
        anchor = published(1, put([prefix], ISSUERS, 0, PREFIXES))
        store = Store(tmp_path / "state")
        store.create(anchor, name="cn", now=NOW, url=f"https://{BASE_HOST}:{origin.port}/")
        limits = Limits(total=20, each=10, retries=0, allowed=LOOPBACK, ca_file=authority.ca_file)
        made = Site(origin, store, limits, anchor, looked_up=[])
        made.publish(NOW - 60)
        yield made


def listed(site: Site, version: int, *edits: Callable[[Any], object], **signed: Any) -> bytes:
    """A trust list with the site's own prefix."""
    return published(version, put([site.prefix], ISSUERS, 0, PREFIXES), *edits, **signed)


# The way it goes when all is well


def test_an_anchor_and_a_round_make_cards_valid(site: Site) -> None:
    """The timestamp first, then the next trust list, then the status lists that the timestamp names."""
    assert site.verify().outcome == "INDETERMINATE"
    made = site.sync()
    assert made.faults == []
    assert [item.kind for item in made.taken] == ["timestamp", "status_list"]
    assert site.origin.paths() == ["/timestamp.cbor", "/trust/2.cbor", "/status/list-1"]
    assert site.verify().outcome == "VALID"


def test_names_stay_names(site: Site) -> None:
    """Connections go to a numeric address, yet the certificate and the Host header are those of the name."""
    site.sync()
    assert {host for _, host, _ in site.origin.asked} == {
        f"{BASE_HOST}:{site.origin.port}",
        f"{STATUS_HOST}:{site.origin.port}",
    }


def test_what_did_not_change_is_not_sent_again(site: Site) -> None:
    """By its ETag: the second round gets 304 for both and still says when it was reached."""
    site.sync()
    site.now += 60
    made = site.sync()
    assert (made.faults, made.taken) == ([], [])
    assert [unchanged for path, _, unchanged in site.origin.asked[3:] if path != "/trust/2.cbor"] == [True, True]
    journal = read_journal(site.store.folder / "cn")
    assert journal.sources[site.uri].reached == NOW + 60


def test_a_timestamp_that_did_not_change_ends_a_round_for_a_minute(site: Site) -> None:
    """One request while nothing is new; everything once a minute and behind a new timestamp. The journal keeps all."""
    agent = site.agent()

    def asked(after: int) -> list[str]:
        site.now += after
        begun = len(site.origin.asked)
        (made,) = agent.once()
        assert made.faults == []
        return site.origin.paths()[begun:]

    everything = ["/timestamp.cbor", "/trust/2.cbor", "/status/list-1"]
    assert asked(0) == everything
    assert [asked(5) for _ in range(3)] == [["/timestamp.cbor"]] * 3
    sources = read_journal(site.store.folder / "cn").sources
    assert sources[site.source("timestamp.cbor")].reached == site.now
    assert sources[site.uri].reached == site.now - 15
    site.publish(site.now, {INDEX: 1})
    assert asked(5) == everything
    assert site.verify().reason == "revoked"
    assert asked(59) == ["/timestamp.cbor"]
    assert asked(1) == everything
    # Of a clock that was set back nothing follows.
    assert asked(-1) == everything


def test_a_server_without_etags_ends_a_round_too(site: Site) -> None:
    """A timestamp that is sent again as it was is no news; a new one is."""
    site.origin.etags = False
    agent = site.agent()
    for paths in (3, 1, 1):
        begun = len(site.origin.asked)
        assert agent.once()[0].faults == []
        assert len(site.origin.asked) - begun == paths
        site.now += 5
    assert read_journal(site.store.folder / "cn").sources[site.source("timestamp.cbor")].reached == site.now - 5
    site.publish(site.now, {INDEX: 1})
    assert agent.once()[0].faults == []
    assert site.verify().reason == "revoked"


def test_a_fault_makes_the_next_round_whole(site: Site) -> None:
    """What could not be had is asked for again, though the timestamp has not changed."""
    agent = site.agent()
    site.origin.misdeeds["/status/list-1"] = "status 404"
    assert [error.code for _, error in agent.once()[0].faults] == ["sync.absent"]
    site.origin.misdeeds.clear()
    assert agent.once()[0].faults == []
    assert site.verify().outcome == "VALID"


@pytest.mark.parametrize(("interval", "pauses"), [(1, [1, 2, 4, 8, 16, 32, 60, 60]), (5, [5, 10, 20, 40, 60, 60])])
def test_a_publisher_in_trouble_is_asked_ever_later(site: Site, interval: int, pauses: list[int]) -> None:
    """Doubled up to a minute, and half of it by lot, however short the interval."""
    agent = site.agent()
    for failed, longest in enumerate(pauses, 1):
        drawn = [agent.pause(interval, failed) for _ in range(50)]
        assert longest / 2 <= min(drawn) < max(drawn) <= longest
    drawn = [agent.pause(interval, 0) for _ in range(50)]
    assert 0.9 * interval <= min(drawn) < max(drawn) <= 1.1 * interval


def test_an_etag_of_what_is_gone_is_not_used(site: Site) -> None:
    """A token that the state lost is asked for in full."""
    site.sync()
    (mark,) = site.store.manifest("cn").marks[site.uri].values()
    assert mark.token is not None
    (site.store.folder / "cn" / "objects" / mark.token).unlink()
    assert site.verify().reason == "status_missing"
    site.sync()
    assert site.verify().outcome == "VALID"


def test_all_new_trust_lists_are_taken(site: Site) -> None:
    """Version by version until there is no next."""
    lists = {version: listed(site, version) for version in (2, 3, 4)}
    site.origin.files |= {f"/trust/{version}.cbor": data for version, data in lists.items()}
    site.publish(NOW, trust=lists[4])
    made = site.sync()
    assert [item.name for item in made.taken if item.kind == "trust_list"] == ["2", "3", "4"]
    assert "/trust/5.cbor" in site.origin.paths()
    assert site.verify().evidence.trust_list_version == 4


def test_a_stolen_status_key_heals_by_itself(site: Site) -> None:
    """The thief's list from a clock ahead freezes revocation; the next rounds after the roots met undo it."""
    site.sync()
    ahead = NOW + 200 * DAY
    site.publish(ahead)
    site.now = ahead
    site.origin.files["/timestamp.cbor"] = b""
    site.sync()
    site.now = NOW
    site.publish(NOW, {INDEX: 1})
    made = site.sync()
    assert site.faults(made) == {"/status/list-1": "store.status_rollback"}
    second = listed(site, 2, with_status_key(STRANGER), compromise(1, NOW))
    site.origin.files["/trust/2.cbor"] = second
    site.now = NOW + 60
    site.publish(NOW + 60, {INDEX: 1}, trust=second, key=STRANGER)
    assert site.sync().faults == []
    assert site.verify().reason == "revoked"
    assert set(site.store.manifest("cn").marks[site.uri]) == {STRANGER.verifying_key.thumbprint}
    site.publish(NOW + 120, trust=second, key=STATUS_KEY)
    site.now = NOW + 120
    assert site.faults(site.sync()) == {"/status/list-1": "status.key_compromised"}
    assert site.verify().reason == "revoked"


# No source starves another


def test_lists_that_hang_hold_up_no_others(site: Site) -> None:
    """More of one issuer's lists than are asked for at one time never answer; in every round, also the first, the other
    lists are fetched, those of the same host and those of the other issuer."""
    hanging = [f"/status/hang-{number}" for number in range(9)]
    good = ["/status/list-1", "/status/list-2"]
    for _ in range(2):
        site.now += 60
        lists = {f"{site.prefix}{path.removeprefix('/status/')}": site.now for path in hanging + good}
        for path in good:
            uri = f"{site.prefix}{path.removeprefix('/status/')}"
            site.origin.files[path] = status(site.now, uri=uri)
        site.origin.files["/timestamp.cbor"] = timestamp(site.now, trust=site.anchor, lists=lists)
        site.origin.misdeeds |= dict.fromkeys(hanging, "silent")
        made = site.sync(each=1.0, total=4.0)
        taken = {item.name for item in made.taken if item.kind == "status_list"}
        assert taken == {site.prefix + path[8:] for path in good}
        assert site.verify().outcome == "VALID"
    assert {error.code for _, error in made.faults} == {"sync.deadline"}


def test_trust_lists_that_drip_leave_time_for_status_lists(site: Site) -> None:
    """They have a share of the round, however long one address may take."""
    site.origin.files["/trust/2.cbor"] = listed(site, 2)
    site.origin.misdeeds["/trust/2.cbor"] = "drip"
    made = site.sync(each=60, total=3.0)
    assert site.faults(made) == {"/trust/": "sync.deadline"}
    assert site.verify().outcome == "VALID"


def test_of_bad_trust_lists_one_is_fetched(site: Site) -> None:
    """An origin without keys is not given the memory of a whole chain: each list is verified before the next."""
    site.origin.files |= {f"/trust/{version}.cbor": listed(site, version, by=[STRANGER]) for version in range(2, 9)}
    assert site.faults(site.sync()) == {"/trust/": "trust.threshold_current"}
    assert [path for path in site.origin.paths() if path.startswith("/trust/")] == ["/trust/2.cbor"]


def test_good_trust_lists_before_a_bad_one_are_taken(site: Site) -> None:
    """Each vouches for the next, and the bad one takes nothing back."""
    good = {f"/trust/{version}.cbor": listed(site, version) for version in (2, 3)}
    site.origin.files |= {**good, "/trust/4.cbor": listed(site, 4, by=[STRANGER])}
    site.publish(NOW, trust=good["/trust/3.cbor"])
    assert site.faults(site.sync()) == {"/trust/": "trust.threshold_current"}
    assert site.verify().evidence.trust_list_version == 3


def test_lists_that_are_over_count_with_the_next_one(site: Site) -> None:
    """Of a chain that was followed late those in the middle may have ended."""
    ended = listed(site, 2, put(NOW - DAY, EXP))
    site.origin.files |= {"/trust/2.cbor": ended, "/trust/3.cbor": listed(site, 3)}
    site.publish(NOW, trust=site.origin.files["/trust/3.cbor"])
    assert site.sync().faults == []
    assert site.verify().evidence.trust_list_version == 3


def test_a_domain_that_hangs_holds_up_no_other(tmp_path: Path) -> None:
    """The first domain's origin answers only when the second one's has been asked."""
    store = Store(tmp_path)
    store.create(ANCHOR, name="a", now=NOW, url="https://a.example/")
    store.create(published(1, *another_domain()), name="b", now=NOW, url="https://b.example/")
    asked = threading.Event()

    class Waiting:
        def __call__(self, url: str, *, etag: str | None, most: int, deadline: Deadline) -> None:
            if url.startswith("https://b."):
                asked.set()
            elif not asked.wait(deadline.remaining()):
                raise StateError("sync.deadline")

        def close(self) -> None:
            pass

    agent = Agent(store, Limits(total=10, each=5), connect=lambda _: Waiting(), clock=lambda: NOW)
    made = agent.once()
    assert [each.domain for each in made] == ["a", "b"]
    assert {error.code for each in made for _, error in each.faults} == {"sync.absent"}


# An origin that misbehaves


@pytest.mark.parametrize(
    ("misdeed", "code", "found"),
    [
        ("status 500", "sync.status", "500"),
        ("status 404", "sync.absent", "404"),
        ("status 304", "sync.status", "304"),
        ("status 206", "sync.status", "206"),
        ("truncated", "sync.connection", "RemoteProtocolError"),
        ("endless", "sync.too_large", None),
        ("vast", "sync.too_large", None),
        ("type text/html", "sync.type", "text/html"),
        ("coded", "sync.type", "application/octet-stream, gzip"),
        ("redirect https://evil.example/x", "sync.redirect", "evil.example"),
        ("redirect http://sh.example/x", "sync.redirect", "sh.example"),
        ("redirect //127.0.0.1/x", "sync.redirect", "127.0.0.1"),
        ("drip", "sync.deadline", None),
        ("drip-head", "sync.deadline", None),
        ("silent", "sync.deadline", None),
        ("bytes 00", "cose.wrong_tag", None),
    ],
)
def test_a_misdeed_of_one_source_harms_no_other(site: Site, misdeed: str, code: str, found: str | None) -> None:
    """Whatever the status source does, the timestamp is taken, the old list is kept, and its fault and age are told."""
    site.sync()
    site.now += 3600
    site.publish(site.now)
    site.origin.misdeeds["/status/list-1"] = misdeed
    (site.store.folder / "cn" / "sync.json").unlink()  # or an ETag would make 304 a good answer
    made = site.sync(each=1.5)
    assert [(source, error.code) for source, error in made.faults] == [(site.uri, code)]
    assert found is None or made.faults[0].error.found == found
    assert [item.kind for item in made.taken] == ["timestamp"]
    assert site.verify().outcome == "VALID", "the newer list may be on its way"
    verdict = site.verify(limits.STATUS_LAG)
    assert (verdict.outcome, verdict.reason) == ("INDETERMINATE", "status_stale")
    assert verdict.evidence.status_age == 3660 + limits.STATUS_LAG
    journal = read_journal(site.store.folder / "cn")
    source = journal.sources[site.uri]
    assert source.fault is not None
    assert (source.tried, source.fault.code) == (site.now, code)
    site.origin.misdeeds.clear()
    assert site.sync().faults == []
    assert site.verify().outcome == "VALID"


@pytest.mark.parametrize("path", ["/timestamp.cbor", "/trust/2.cbor"])
@pytest.mark.parametrize("misdeed", ["status 500", "truncated", "drip-head", "type text/html", "bytes 00"])
def test_a_timestamp_or_trust_list_that_fails_harms_no_status_list(site: Site, path: str, misdeed: str) -> None:
    """A revocation is learned all the same."""
    site.sync()
    site.now += 60
    site.publish(site.now, {INDEX: 1})
    site.origin.misdeeds[path] = misdeed
    made = site.sync(each=1.5)
    # Where the origin closes without saying so, the next request of the same source may meet the closed connection.
    assert len({fault.source for fault in made.faults}) == 1
    assert site.verify().reason == "revoked"


def test_a_bad_chain_of_trust_lists_changes_nothing(site: Site) -> None:
    """The refused list is told by its reason; the timestamp and the status list under the old one are taken."""
    site.origin.files["/trust/2.cbor"] = published(2, by=[STRANGER])
    made = site.sync()
    assert site.faults(made) == {"/trust/": "trust.threshold_current"}
    assert site.verify().outcome == "VALID"


def test_a_list_at_anothers_address_is_told(site: Site) -> None:
    """An address that gives another list than its own, however good, is a fault of the address."""
    other = f"{site.prefix}list-2"
    site.origin.files["/status/list-1"] = status(NOW, uri=other)
    made = site.sync()
    assert site.faults(made) == {"/status/list-1": "sync.other_list"}
    assert site.verify().reason == "status_missing"


def test_a_bucket_that_answers_403_for_what_is_not_there_has_no_fault(site: Site) -> None:
    """For the next trust list alone, as buckets without a listing do; anywhere else it is a fault."""
    site.origin.misdeeds["/trust/2.cbor"] = "status 403"
    assert site.sync().faults == []
    assert site.verify().outcome == "VALID"
    site.origin.files["/trust/2.cbor"] = listed(site, 2)
    site.origin.misdeeds.clear()
    assert [item.kind for item in site.sync().taken] == ["trust_list"]
    site.origin.misdeeds["/trust/3.cbor"] = site.origin.misdeeds["/status/list-1"] = "status 403"
    (site.store.folder / "cn" / "sync.json").unlink()
    assert site.faults(site.sync()) == {"/status/list-1": "sync.status"}


def test_redirects_within_the_host_are_followed(site: Site) -> None:
    """At most three of them."""
    site.origin.files["/status/elsewhere"] = site.origin.files["/status/list-1"]
    site.origin.misdeeds["/status/list-1"] = "redirect /status/elsewhere"
    assert site.sync().faults == []
    assert site.verify().outcome == "VALID"
    site.origin.misdeeds["/timestamp.cbor"] = "redirect /timestamp.cbor"
    made = site.sync()
    assert site.faults(made) == {"/timestamp.cbor": "sync.redirect"}
    assert made.faults[0].error.expected == "at most 3"


def test_what_fails_for_now_is_asked_again(site: Site) -> None:
    """Errors of the server and broken connections are retried, with a wait that grows; a wrong type is not."""
    waits: list[float] = []
    site.origin.misdeeds = {"/timestamp.cbor": "status 503", "/status/list-1": "type text/html"}
    site.store.apply("cn", _update(site), NOW)
    agent = site.agent(retries=2)
    agent._sleep = waits.append
    agent.once()
    assert site.origin.paths().count("/timestamp.cbor") == 3
    assert site.origin.paths().count("/status/list-1") == 1
    assert 0.25 <= waits[0] <= 0.75
    assert 0.5 <= waits[1] <= 1.5


def _update(site: Site) -> Any:
    from verifier.store import Update

    return Update(status_tokens=(site.origin.files["/status/list-1"],))


def test_an_origin_that_is_not_there(site: Site, authority: Authority) -> None:
    """Nothing listens: a fault for each source, what is known stays."""
    site.sync()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site.origin.__exit__()
    made = site.sync()
    assert {error.code for _, error in made.faults} == {"sync.connection"}
    assert len(made.faults) == 3
    assert site.verify().outcome == "VALID"


def test_the_total_ends_a_round(site: Site) -> None:
    """When the time is up, the rest is told as not reached, and the round ends."""
    site.sync()
    site.origin.misdeeds["/timestamp.cbor"] = "silent"
    made = site.sync(total=0.3)
    assert set(site.faults(made).values()) == {"sync.deadline"}
    assert len(made.faults) == 3


# Names and addresses


def test_a_name_that_changes_after_its_look_up_changes_nothing(site: Site, authority: Authority) -> None:
    """The name server answers once with the good address and ever after with one where another server waits: each name
    is looked up once a round, and nobody connects to the other server."""
    port = site.origin.port
    site.origin.closing = True
    with Origin(authority.server_context(BASE_HOST, STATUS_HOST), host="127.0.0.2", port=port) as evil:
        seen: dict[str, int] = {}

        def rebind(host: str, _: int) -> list[str]:
            seen[host] = seen.get(host, 0) + 1
            return ["127.0.0.1"] if seen[host] == 1 else ["127.0.0.2"]

        agent = site.agent()
        agent._connect = lambda given: HttpFetch(given, resolver=rebind)
        (first,) = agent.once()
        assert first.faults == []
        assert site.origin.connections == 3, "the base was connected to twice"
        assert seen == {BASE_HOST: 1, STATUS_HOST: 1}
        # The next round looks up again, and does not go where it may not.
        (second,) = agent.once()
        assert {error.code for _, error in second.faults} == {"sync.address"}
        assert {error.found for _, error in second.faults} == {"127.0.0.2"}
        assert evil.connections == 0
    assert site.verify().outcome == "VALID"


def test_one_bad_address_among_good_ones_is_enough(site: Site) -> None:
    """A name that leads to the open internet and to this machine is not connected to."""
    site.names = {STATUS_HOST: ["127.0.0.1", "169.254.169.254"]}
    made = site.sync()
    assert site.faults(made) == {"/status/list-1": "sync.address"}
    assert "/status/list-1" not in site.origin.paths()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
        "224.0.0.1",
        "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "ff02::1", "ff0e::1", "::ffff:10.0.0.1", "2002:0a00:0001::1", "64:ff9b::10.0.0.1",
        "2400:3200::5efe:10.0.0.1", "2400:3200::200:5efe:7f00:1", "2001:db8::1",
        "::ffff:127.0.0.1", "localhost", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_the_open_internet(address: str) -> None:
    """None of them is connected to, in whatever form it is written."""
    assert not is_allowed(address)


@pytest.mark.parametrize(
    "address",
    [
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "5f00::1",
        "3fff::1",
        "100:0:0:1::1",
        "4000::1",
        "192.0.0.170",
        "198.18.0.1",
        "192.88.99.1",
        "240.0.0.1",
        "2001:db8::1",
        "2001:2::1",
        "2002:7f00:1::",
        "ff0e::1",
    ],
)
def test_addresses_that_python_knows_late_or_never_are_not_open(address: str) -> None:
    """The same on every version of Python: the table is icard's own."""
    assert not is_allowed(address)
    assert is_allowed(address, networks([address]))


def test_every_network_of_the_table_is_closed() -> None:
    """Its first and its last address."""
    table = json.loads((resources.files("verifier.runtime.outbound") / "special_addresses.json").read_text("utf-8"))
    assert table["as_of"]
    for row in table["closed"]:
        network = ipaddress.ip_network(row["network"])
        assert not is_allowed(str(network[0])), row
        assert not is_allowed(str(network[-1])), row


@pytest.mark.parametrize("family", [4, 6])
def test_no_address_of_ianas_special_registries_is_open(family: int) -> None:
    """Every row of them as of the table's date: those that are not globally reachable, and those that are and have no
    publisher. An address of NAT64 is judged by the one that it carries."""
    path = Path(__file__).parents[1] / "runtime" / f"special-ipv{family}.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(rows) >= 25
    for row in rows:
        network = ipaddress.ip_network(row["Address Block"])
        if row["Address Block"] != "64:ff9b::/96":
            places = {0, network.num_addresses // 2, network.num_addresses - 1}
            assert not any(is_allowed(str(network[place])) for place in places), row


@pytest.mark.parametrize("address", ["1.1.1.1", "203.119.1.1", "2400:3200::1", "64:ff9b::1.1.1.1"])
def test_addresses_of_the_open_internet(address: str) -> None:
    """They are connected to without being asked for."""
    assert is_allowed(address)


def test_a_network_is_allowed_by_name() -> None:
    """That network and no other; a network that is none is refused."""
    assert is_allowed("10.1.2.3", networks(["10.0.0.0/8"]))
    assert not is_allowed("11.1.2.3.4", networks(["10.0.0.0/8"]))
    assert not is_allowed("192.168.0.1", networks(["10.0.0.0/8"]))
    with pytest.raises(StateError) as caught:
        networks(["10.0.0.0/8", "home"])
    assert (caught.value.code, caught.value.found) == ("sync.network", "home")


def test_a_certificate_of_another_name_is_refused(site: Site, authority: Authority) -> None:
    """Connecting to the right address is not enough."""
    site.origin.context = authority.server_context("other.example")
    assert certificate_faults(site) == {("sync.certificate", "one of another name")}


def test_a_certificate_that_has_expired_or_of_an_unknown_authority_is_named(
    site: Site, authority: Authority, tmp_path: Path
) -> None:
    """Neither looks like a cut cable."""
    site.origin.context = authority.server_context(BASE_HOST, days=-0.5)
    assert certificate_faults(site) == {("sync.certificate", "one that has expired")}
    (tmp_path / "another").mkdir()
    site.origin.context = Authority(tmp_path / "another").server_context(BASE_HOST)
    assert certificate_faults(site) == {("sync.certificate", "one of an unknown authority")}


def certificate_faults(site: Site) -> set[tuple[str, str | None]]:
    return {(error.code, error.found) for _, error in site.sync().faults}


def test_nothing_comes_from_the_environment(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy, a file of certificates or a password in the environment is not used."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    passwords = tmp_path / "netrc"
    passwords.write_text(f"machine {BASE_HOST} login somebody password secret\n")
    passwords.chmod(0o600)
    monkeypatch.setenv("NETRC", str(passwords))
    monkeypatch.setenv("SSL_CERT_FILE", str(site.limits.ca_file))
    assert site.sync().faults == []
    assert site.origin.credentials == []
    assert {error.code for _, error in site.sync(ca_file=None).faults} == {"sync.certificate"}


# The state, and round after round


def test_a_state_that_cannot_be_written_ends_the_round(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told once, and what was known still verifies."""
    site.sync()
    site.publish(NOW)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("verifier.store.folder._write", full)
        made = site.sync()
    assert [error.code for _, error in made.faults] == ["store.unwritable"]
    assert "No space left on device" in str(made.faults[0].error.found)
    assert site.verify().outcome == "VALID"


def test_a_domain_that_lives_on_bundles_is_no_fault_beside_others(site: Site) -> None:
    """Only the domain with an address has a round."""
    site.store.create(published(1, *another_domain()), name="bundles", now=NOW)
    assert [(made.domain, made.faults) for made in site.agent().once()] == [("cn", [])]


def test_a_domain_without_an_address_is_told(tmp_path: Path) -> None:
    """Where no domain has one, that is the fault; nothing is connected to."""
    store = Store(tmp_path)
    store.create(ANCHOR, name="cn", now=NOW)
    (made,) = Agent(store, Limits()).once()
    assert [error.code for _, error in made.faults] == ["sync.no_url"]


def test_watching_goes_on_after_faults_and_stops(site: Site) -> None:
    """Round after round, sooner after a fault where the interval is long; a set event ends it."""
    stop, pauses = threading.Event(), []
    agent = site.agent()
    rounds: list[Round] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            pauses.append(timeout or 0)
            return False

    stop = Stop()

    def heard(made: list[Round]) -> None:
        rounds.extend(made)
        site.origin.misdeeds = {"/timestamp.cbor": "status 404"} if len(rounds) in (1, 2) else {}
        if len(rounds) == 4:
            stop.set()

    agent.watch(300, heard, stop)
    assert [bool(each.faults) for each in rounds] == [False, True, True, False]
    assert 270 <= pauses[0] <= 330
    assert 2.5 <= pauses[1] <= 5
    assert 5 <= pauses[2] <= 10
    assert 270 <= pauses[3] <= 330


@pytest.mark.parametrize("content", ["", "[]", "{", '{"https://x/": {}}', '{"https://x/": 1}'])
def test_a_journal_that_is_damaged_is_an_empty_one(tmp_path: Path, content: str) -> None:
    """Nothing rests on it."""
    (tmp_path / "sync.json").write_text(content)
    assert read_journal(tmp_path).sources == {}
