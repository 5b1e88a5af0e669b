"""Where requests may go and where not, as one table: by every way in which a URL can be meant."""

import socket
from ipaddress import ip_network

import pytest

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.errors import GiveUp
from tests.fakes.lms import RecordingLms, answer
from tests.fakes.network import Resolver

PUBLIC_4, PUBLIC_6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"

#: URL, and the addresses that its name resolves to (empty: the machine's own look-up).
REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    # Literals.
    "loopback": ("https://127.0.0.1/o", ()),
    "loopback, another one": ("https://127.8.9.1/o", ()),
    "unspecified": ("https://0.0.0.0/o", ()),
    "private, ten": ("https://10.0.0.1/o", ()),
    "private, the end of ten": ("https://10.255.255.255/o", ()),
    "private, 172.16": ("https://172.16.0.1/o", ()),
    "private, 172.31": ("https://172.31.255.254/o", ()),
    "private, 192.168": ("https://192.168.1.1/o", ()),
    "link-local": ("https://169.254.1.1/o", ()),
    "metadata of clouds": ("https://169.254.169.254/latest/meta-data", ()),
    "metadata of another cloud": ("https://168.63.129.16/o", ()),
    "shared by carriers": ("https://100.64.0.1/o", ()),
    "benchmarks": ("https://198.18.0.1/o", ()),
    "for documentation, 1": ("https://192.0.2.1/o", ()),
    "for documentation, 2": ("https://198.51.100.1/o", ()),
    "for documentation, 3": ("https://203.0.113.1/o", ()),
    "multicast": ("https://224.0.0.1/o", ()),
    "reserved": ("https://240.0.0.1/o", ()),
    "broadcast": ("https://255.255.255.255/o", ()),
    "6to4 relay": ("https://192.88.99.1/o", ()),
    "protocol assignments": ("https://192.0.0.8/o", ()),
    # IPv6 forms.
    "IPv6 loopback": ("https://[::1]/o", ()),
    "IPv6 loopback, written out": ("https://[0:0:0:0:0:0:0:1]/o", ()),
    "IPv6 unspecified": ("https://[::]/o", ()),
    "IPv6 unique local": ("https://[fd12:3456::1]/o", ()),
    "IPv6 link-local": ("https://[fe80::1]/o", ()),
    "IPv6 site-local": ("https://[fec0::1]/o", ()),
    "IPv6 multicast": ("https://[ff02::1]/o", ()),
    "IPv6 metadata": ("https://[fd00:ec2::254]/o", ()),
    "IPv6 for documentation": ("https://[2001:db8::1]/o", ()),
    "IPv6 not given out": ("https://[4000::1]/o", ()),
    "Teredo": ("https://[2001::1]/o", ()),
    "mapped loopback": ("https://[::ffff:127.0.0.1]/o", ()),
    "mapped loopback in hex": ("https://[::ffff:7f00:1]/o", ()),
    "mapped public address": (f"https://[::ffff:{PUBLIC_4}]/o", ()),
    "compatible loopback": ("https://[::127.0.0.1]/o", ()),
    "6to4 of loopback": ("https://[2002:7f00:1::]/o", ()),
    "6to4 of a public address": ("https://[2002:5db8:d822::1]/o", ()),
    "NAT64 of loopback": ("https://[64:ff9b::127.0.0.1]/o", ()),
    "NAT64 of ten": ("https://[64:ff9b::a00:1]/o", ()),
    "NAT64, local use": ("https://[64:ff9b:1::1]/o", ()),
    # Names that resolve to them.
    "a name for loopback": ("https://lms.example/o", ("127.0.0.1",)),
    "a name for IPv6 loopback": ("https://lms.example/o", ("::1",)),
    "a name for ten": ("https://lms.example/o", ("10.1.2.3",)),
    "a name for metadata": ("https://metadata.google.internal/o", ("169.254.169.254",)),
    "a name for a mapped address": ("https://lms.example/o", ("::ffff:10.0.0.1",)),
    "a name for NAT64 of loopback": ("https://lms.example/o", ("64:ff9b::7f00:1",)),
    "a name for 6to4": ("https://lms.example/o", ("2002:a00:1::",)),
    "a name for several, all private": ("https://lms.example/o", ("10.0.0.1", "fd00::1", "192.168.0.1")),
    "localhost by the machine's own look-up": ("https://localhost/o", ()),
    # Ways to write an address that is none to us, and one to the look-up.
    "loopback as one decimal": ("https://2130706433/o", ("127.0.0.1",)),
    "loopback in hexadecimal": ("https://0x7f000001/o", ("127.0.0.1",)),
    "loopback in octal": ("https://0177.0.0.1/o", ("127.0.0.1",)),
    "loopback, shortened": ("https://127.1/o", ("127.0.0.1",)),
    "loopback with a dot behind": ("https://127.0.0.1./o", ("127.0.0.1",)),
    "loopback in full-width digits": ("https://\uff11\uff12\uff17.0.0.1/o", ("127.0.0.1",)),
    # User information, and what only looks like a host.
    "a user": ("https://user@lms.example/o", (PUBLIC_4,)),
    "a user and a password": ("https://user:secret@lms.example/o", (PUBLIC_4,)),
    "a host before the real one": ("https://lms.example@127.0.0.1/o", ()),
    "an empty user": ("https://@lms.example/o", (PUBLIC_4,)),
    # Schemes.
    "plain http": ("http://lms.example/o", (PUBLIC_4,)),
    "a file": ("file:///etc/passwd", ()),
    "ftp": ("ftp://lms.example/o", (PUBLIC_4,)),
    "gopher": ("gopher://127.0.0.1:6379/_FLUSHALL", ()),
    "no scheme": ("//lms.example/o", (PUBLIC_4,)),
    "no host": ("https:///o", ()),
}

ALLOWED: dict[str, tuple[str, tuple[str, ...]]] = {
    "a public IPv4 address": (f"https://{PUBLIC_4}/o", (PUBLIC_4,)),
    "a public IPv6 address": (f"https://[{PUBLIC_6}]/o", (PUBLIC_6,)),
    "a name for both": ("https://lms.example/o", (PUBLIC_4, PUBLIC_6)),
    "another port": ("https://lms.example:8443/o", (PUBLIC_4,)),
    "a query with an address in it": ("https://lms.example/o?next=http://127.0.0.1/", (PUBLIC_4,)),
    "an at sign in the path": ("https://lms.example/o/user@127.0.0.1", (PUBLIC_4,)),
    "just outside of ten": ("https://11.0.0.1/o", ("11.0.0.1",)),
    "just outside of 172.16": ("https://172.32.0.1/o", ("172.32.0.1",)),
    "just outside of 100.64": ("https://100.128.0.1/o", ("100.128.0.1",)),
    "NAT64 of a public address is refused for its form, the address itself is not": (
        f"https://{PUBLIC_4}/",
        (PUBLIC_4,),
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_and_no_connection_is_made(name):
    url, addresses = REFUSED[name]
    resolver = Resolver(*addresses) if addresses else None
    async with http_session(timeout_seconds=5, max_connections=1, egress=Egress(), resolver=resolver) as session:
        with pytest.raises(GiveUp) as caught:
            await Sender(session).post(url, b"<a/>", {})
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)
    assert "secret" not in caught.value.reason


@pytest.mark.parametrize("name", ALLOWED)
def test_it_is_allowed(name):
    url, addresses = ALLOWED[name]
    egress = Egress()
    egress.check_url(url)
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        egress.socket_factory((family, socket.SOCK_STREAM, 0, "", (address, 443))).close()


async def test_a_redirect_to_where_nothing_may_go_is_not_followed():
    loopback = Egress(allow_http=True, allow_networks=(ip_network("127.0.0.0/8"),))
    async with RecordingLms() as inside, RecordingLms() as lms:
        lms.behave = lambda _: answer(307, headers={"Location": inside.url()})
        async with http_session(timeout_seconds=5, max_connections=1, egress=loopback) as session:
            reply = await Sender(session).post(lms.url(), b"<a/>", {"Content-Type": "application/xml"})
        assert reply.status == 307
        assert inside.requests == []


async def test_a_name_that_resolves_to_another_address_when_it_is_connected_to_is_refused_then():
    """What counts is the address of the socket, not what a look-up before it said."""

    class Rebinding(Resolver):
        async def resolve(self, host, port=0, family=socket.AF_INET):
            found = await super().resolve(host, port, family)
            self.__init__("10.0.0.1")
            return found

    loopback = Egress(allow_http=True, allow_networks=(ip_network("127.0.0.0/8"),))
    async with RecordingLms() as lms:
        lms.behave = lambda _: answer(200, headers={"Connection": "close"})
        async with http_session(
            timeout_seconds=5, max_connections=1, egress=loopback, resolver=Rebinding("127.0.0.1")
        ) as session:
            session.connector._use_dns_cache = False
            sender, url = Sender(session), f"http://lms.example:{lms.port}/o"
            assert (await sender.post(url, b"<a/>", {})).status == 200
            with pytest.raises(GiveUp, match=r"10\.0\.0\.1"):
                await sender.post(url, b"<a/>", {})
        assert len(lms.requests) == 1


def test_the_table_is_long_enough_to_be_worth_its_name():
    assert len(REFUSED) + len(ALLOWED) >= 60
