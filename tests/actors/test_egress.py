"""Where requests may go, by every way in which a URL can be meant."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from actors.client import Sender
from actors.egress import Egress, EgressRefused, closed_within, host_name
from actors.errors import GiveUp
from tests.actors.posting import BODY, HEADERS, open_sender, outcome_session
from tests.fakes.lms import RecordingLms, answer
from tests.fakes.network import Resolver

PUBLIC = [
    *("8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"),
    *("192.167.255.255", "193.0.0.1", "223.255.255.255", "93.184.216.34"),
    *("2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888"),
]
NOT_PUBLIC = {
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1"],
    "shared by carriers": ["100.64.0.1", "100.127.255.255"],
    "a cloud's metadata service": [
        *("100.100.100.200", "168.63.129.16", "169.254.169.254", "169.254.170.2", "192.0.0.192"),
        *("fd00:ec2::254", "fd20:ce::254", "fe80::a9fe:a9fe"),
    ],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "site-local": ["fec0::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "for documentation": ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"],
    "for benchmarks": ["198.18.0.1"],
    "reserved": ["192.0.0.1", "240.0.0.1", "255.255.255.255", "2001::1", "2001:20::1"],
    "a 6to4 relay": ["192.88.99.1"],
    "6to4": ["2002:7f00:1::", "2002:5db8:d822::1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:8.8.8.8"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::808:808", "64:ff9b:1::1"],
    "not public": ["::127.0.0.1", "::ffff:0:127.0.0.1", "100::1", "4000::1", "5f00::1"],
}


def info(address: str) -> tuple[int, int, int, str, tuple]:
    kind = ip_address(address)
    if kind.version == 4:
        return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443))
    return (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 443, 0, 0))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_gets_its_socket(address):
    with Egress().socket_factory(info(address)) as made:
        assert made.family == info(address)[0]
        assert made.type == socket.SOCK_STREAM


@pytest.mark.parametrize("reason", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_with_its_reason_and_the_setting_to_change(reason):
    for address in NOT_PUBLIC[reason]:
        with pytest.raises(EgressRefused, match=rf"not a public address \({reason}\): .* egress\.allow_networks"):
            Egress().socket_factory(info(address))


def test_an_allowed_network_opens_its_addresses_and_no_others():
    egress = Egress(allow_networks=[ip_network("10.1.0.0/16"), ip_network("fd12::/16")])
    egress.socket_factory(info("10.1.2.3")).close()
    egress.socket_factory(info("fd12::1")).close()
    for other in ("10.2.0.1", "127.0.0.1", "fd13::1", "::ffff:10.1.2.3"):
        with pytest.raises(EgressRefused):
            egress.socket_factory(info(other))


@pytest.mark.parametrize(
    ("network", "leads"),
    [("64:ff9b::/96", "64:ff9b::{}"), ("64:ff9b:1::/48", "64:ff9b:1::{}"), ("2002::/16", "2002:{}::1")],
)
def test_allowing_a_translator_does_not_open_what_hides_behind_it(network, leads):
    egress = Egress(allow_networks=[ip_network(network), ip_network("10.0.0.0/8")])
    for open_one in ("808:808", "a00:1"):
        egress.check_address(ip_address(leads.format(open_one)))
    for hidden in ("7f00:1", "a9fe:a9fe"):
        with pytest.raises(EgressRefused, match=r" leads to (127|169)\S+, which is .*(loopback|metadata)"):
            egress.check_address(ip_address(leads.format(hidden)))


#: Networks that hold more than anyone means, and addresses in them that they do not open.
WIDE = {
    "0.0.0.0/0": ["127.0.0.1", "0.0.0.0", "169.254.169.254", "169.254.1.1", "100.100.100.200", "168.63.129.16"],
    "126.0.0.0/7": ["127.0.0.1", "127.255.255.255"],
    "0.0.0.0/1": ["0.0.0.0", "127.0.0.1", "100.100.100.200"],
    "169.254.0.0/16": ["169.254.169.254", "169.254.170.2"],
    "100.64.0.0/10": ["100.100.100.200"],
    "::/0": ["::1", "::", "fd00:ec2::254", "fe80::1", "::127.0.0.1"],
    "fc00::/7": ["fd00:ec2::254", "fd20:ce::254"],
    "::/64": ["::1", "::"],
}


@pytest.mark.parametrize("wide", WIDE)
def test_a_wide_network_opens_neither_this_machine_nor_a_metadata_service(wide):
    egress = Egress(allow_networks=[ip_network(wide)])
    for address in WIDE[wide]:
        with pytest.raises(EgressRefused, match="add its network itself, which no wider one opens, to egress"):
            egress.check_address(ip_address(address))
        Egress(allow_networks=[ip_network(address)]).check_address(ip_address(address))
        assert any(ip_address(address) in one for one in closed_within(ip_network(wide), [ip_network(wide)]))


def test_a_wide_network_opens_what_else_it_holds_and_a_part_of_a_guarded_one_opens_that_part():
    egress = Egress(allow_networks=[ip_network("0.0.0.0/0"), ip_network("::/0"), ip_network("127.0.1.0/24")])
    for address in ("10.1.2.3", "192.168.1.1", "100.64.0.1", "fd12::1", "127.0.1.9", "::ffff:10.1.2.3"):
        egress.check_address(ip_address(address))
    for address in ("127.0.0.1", "::ffff:127.0.0.1"):
        with pytest.raises(EgressRefused, match="loopback"):
            egress.check_address(ip_address(address))
    Egress(allow_networks=[ip_network("169.254.0.0/16")]).check_address(ip_address("169.254.1.1"))
    for named in ("10.0.0.0/8", "127.0.0.0/8", "192.168.7.0/24", "::1/128"):
        assert closed_within(ip_network(named), [ip_network(named)]) == []
    both = [ip_network("126.0.0.0/7"), ip_network("127.0.0.0/8")]
    assert (closed_within(both[0], both), closed_within(both[0], both[:1])) == ([], both[1:])


# --- Rules of one consumer ---


def own_rules(**rules):
    return Egress(
        allow_http=True,
        allow_networks=[ip_network("10.1.0.0/16")],
        campuses={"example": Egress(setting="egress.campuses.example", **rules)},
    )


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://lms.example.edu/o", True),
        ("https://LMS.example.edu:8443/o?next=https://elsewhere.example/", True),
        ("https://lms.example.edu./o", True),
        ("https://xn--mnchen-3ya.example/o", True),
        ("https://m\u00fcnchen.example/o", True),
        ("https://[2606:4700:4700:0::1111]/o", True),
        ("https://elsewhere.example/o", False),
        ("https://lms.example.edu.elsewhere.example/o", False),
        ("https://sub.lms.example.edu/o", False),
        ("https://elsewhere.example/lms.example.edu", False),
        ("https://8.8.8.8/o", False),
        ("https://2130706433/o", False),
        ("https://a\u2100b.example/o", False),
        (f"https://{'x' * 300}.example/o", False),
    ],
)
def test_a_consumer_with_hosts_of_its_own_may_name_these_alone(url, allowed):
    hosts = [host_name(host) for host in ("LMS.example.edu", "m\u00fcnchen.example", "[2606:4700:4700::1111]")]
    egress = own_rules(allow_hosts=hosts)
    if allowed:
        egress.of("example").check_url(url)
    else:
        with pytest.raises(EgressRefused, match=r"host|malformed") as caught:
            egress.of("example").check_url(url)
        assert "egress.campuses.example.allow_hosts" in str(caught.value) or "malformed" in str(caught.value)
        assert len(str(caught.value)) < 500
    for other in ("", "another"):
        egress.of(other).check_url("https://elsewhere.example/o")


def test_a_host_that_is_allowed_opens_no_private_address():
    with pytest.raises(EgressRefused, match=r"private.*egress\.campuses\.example\.allow_networks$"):
        own_rules(allow_hosts=["10.9.9.9"]).of("example").check_url("https://10.9.9.9/o")


async def test_a_network_of_one_consumer_is_open_to_it_alone_also_over_a_connection_that_it_has_made():
    own = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")], setting="egress.campuses.own")
    resolver = Resolver("127.0.0.1")
    async with (
        RecordingLms() as lms,
        outcome_session(egress=Egress(allow_http=True), resolver=resolver) as shared,
        outcome_session(egress=own, resolver=resolver) as session,
    ):
        sender = Sender(shared, {"own": session})
        for url in (f"http://lms.example:{lms.port}/o", f"http://127.0.0.1:{lms.port}/o"):
            assert (await sender.send(url, BODY, HEADERS, consumer_key="own")).status == 200
            for other in ("", "another", "OWN"):
                with pytest.raises(GiveUp, match=r"loopback.*egress\.campuses\.KEY\.allow_networks") as caught:
                    await sender.send(url, BODY, HEADERS, consumer_key=other)
                assert not caught.value.bytes_left
        assert len(lms.requests) == 2


async def test_a_redirect_leads_nowhere_else():
    own = Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")], allow_hosts=["127.0.0.1"])
    async with RecordingLms() as lms, RecordingLms() as elsewhere:
        lms.behave = lambda _: answer(307, headers={"Location": elsewhere.url()})
        async with open_sender(egress=own) as sender:
            assert (await sender.send(lms.url(), BODY, HEADERS)).status == 307
        assert (len(lms.requests), len(elsewhere.requests)) == (1, 0)


def test_other_families_are_refused():
    with pytest.raises(EgressRefused, match="only IPv4 and IPv6"):
        Egress().socket_factory((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/tmp/x", 0)))


@pytest.mark.parametrize(
    "url",
    [
        "https://lms.example/o?a=1",
        "https://lms.example:8443",
        "https://lms.example/o?next=http://127.0.0.1/",
        "https://lms.example/o/user@127.0.0.1",
        "HTTPS://8.8.8.8/o",
        "https://[2606:4700:4700::1111]/o",
    ],
)
def test_a_public_https_url_is_allowed(url):
    Egress().check_url(url)


NOT_ALLOWED = {
    "egress.allow_http": ["http://lms.example/o"],
    "egress.allow_networks": [
        *("https://127.0.0.1/o", "https://[0:0:0:0:0:0:0:1]/o"),
        *("https://[::ffff:7f00:1]/o", "https://[::ffff:10.0.0.1]/o"),
    ],
    "neither https nor http": [
        *("ftp://lms.example/o", "gopher://127.0.0.1:6379/_FLUSHALL", "file:///etc/passwd"),
        *("//lms.example/o", "lms.example/o", ""),
    ],
    "names no host": ["https:///o"],
    "user name or password": [
        *("https://user:hunter2@lms.example/o", "https://user@lms.example/o"),
        *("https://lms.example@127.0.0.1/o", "https://@lms.example/o"),
    ],
    "malformed": ["https://lms.example:99999/o", "https://lms.example:port/", "https://[::1/o"],
}


@pytest.mark.parametrize(("why", "url"), [(why, url) for why, urls in NOT_ALLOWED.items() for url in urls])
async def test_a_url_that_is_not_allowed_is_refused_with_the_setting_to_change_and_nothing_is_sent(url, why):
    with pytest.raises(EgressRefused, match=why) as caught:
        Egress().check_url(url)
    assert "hunter2" not in str(caught.value)
    async with open_sender(egress=Egress()) as post:
        with pytest.raises(GiveUp) as given_up:
            await post.send(url, BODY, HEADERS)
    assert (given_up.value.scope, given_up.value.bytes_left) == ("campus", False)
    assert "hunter2" not in given_up.value.reason


#: What the name of a host resolves to.
RESOLVED = [
    *(["127.0.0.1"], ["::1"], ["10.1.2.3"], ["169.254.169.254"], ["::ffff:10.0.0.1"], ["64:ff9b::7f00:1"]),
    *(["2002:a00:1::"], ["10.0.0.1", "fd00::1", "192.168.0.1"], ["::1", "127.0.0.1"]),
]
#: Ways to write loopback that are no address to us, and one to the look-up.
LOOPBACKS = ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1.", "\uff11\uff12\uff17.0.0.1"]


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        *(("lms.example", addresses) for addresses in RESOLVED),
        *((host, ["127.0.0.1"]) for host in LOOPBACKS),
        ("localhost", []),
    ],
)
async def test_a_name_for_an_address_that_is_not_public_is_given_up_and_no_connection_is_made(host, addresses):
    resolver = Resolver(*addresses) if addresses else None
    async with open_sender(egress=Egress(), resolver=resolver) as post:
        with pytest.raises(GiveUp) as caught:
            await post.send(f"https://{host}/o", BODY, HEADERS)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


async def test_a_name_that_resolves_to_another_address_when_it_is_connected_to_is_refused_then():
    """What counts is the address of the socket, not what a look-up before it said."""

    class Rebinding(Resolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            found = await super().resolve(host, port, family)
            self.__init__("10.0.0.1")
            return found

    resolver = Rebinding("127.0.0.1")
    async with RecordingLms() as lms:
        lms.behave = lambda _: answer(200, headers={"Connection": "close"})
        async with outcome_session(resolver=resolver) as session:
            session.connector._use_dns_cache = False
            sender, url = Sender(session), f"http://lms.example:{lms.port}/o"
            assert (await sender.send(url, BODY, HEADERS)).status == 200
            with pytest.raises(GiveUp, match=r"10\.0\.0\.1"):
                await sender.send(url, BODY, HEADERS)
        assert len(lms.requests) == 1


@pytest.mark.parametrize("kind", [ValueError, PermissionError])
def test_a_refusal_is_a_value_error_and_a_permission_error(kind):
    with pytest.raises(kind, match="plain http"):
        Egress().check_url("http://lms.example/")
