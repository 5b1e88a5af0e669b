"""Where requests may go."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from actors.egress import Egress, EgressRefused

PUBLIC = [
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "193.0.0.1",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2a00:1450::1",
    "2001:4860:4860::8888",
]
NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


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


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused(address):
    with pytest.raises(EgressRefused, match=r"not a public address \(.+\): .* egress\.allow_networks"):
        Egress().socket_factory(info(address))


def test_an_allowed_network_opens_its_addresses_and_no_others():
    egress = Egress(allow_networks=[ip_network("10.1.0.0/16"), ip_network("fd12::/16")])
    egress.socket_factory(info("10.1.2.3")).close()
    egress.socket_factory(info("fd12::1")).close()
    for other in ("10.2.0.1", "127.0.0.1", "fd13::1", "::ffff:10.1.2.3"):
        with pytest.raises(EgressRefused):
            egress.socket_factory(info(other))


def test_allowing_a_translator_does_not_open_what_hides_behind_it():
    egress = Egress(allow_networks=[ip_network("64:ff9b::/96"), ip_network("10.0.0.0/8")])
    egress.check_address(ip_address("64:ff9b::8.8.8.8"))
    egress.check_address(ip_address("64:ff9b::10.0.0.1"))
    with pytest.raises(EgressRefused, match="loopback"):
        egress.check_address(ip_address("64:ff9b::127.0.0.1"))


def test_the_reason_names_what_kind_of_address_it_is():
    with pytest.raises(EgressRefused, match=r"169\.254\.169\.254 .*metadata"):
        Egress().check_address(ip_address("169.254.169.254"))


def test_other_families_are_refused():
    with pytest.raises(EgressRefused, match="only IPv4 and IPv6"):
        Egress().socket_factory((socket.AF_UNIX, socket.SOCK_STREAM, 0, "", ("/tmp/x", 0)))


@pytest.mark.parametrize(
    "url",
    ["https://lms.example/o?a=1", "https://lms.example:8443", "HTTPS://8.8.8.8/o", "https://[2606:4700:4700::1111]/o"],
)
def test_a_public_https_url_is_allowed(url):
    Egress().check_url(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://lms.example/o", "egress.allow_http"),
        ("ftp://lms.example/o", "neither https nor http"),
        ("file:///etc/passwd", "neither https nor http"),
        ("lms.example/o", "neither https nor http"),
        ("", "neither https nor http"),
        ("https:///o", "names no host"),
        ("https://user:hunter2@lms.example/o", "user name or password"),
        ("https://@lms.example/o", "user name or password"),
        ("https://lms.example:99999/o", "malformed"),
        ("https://[::1/o", "malformed"),
        ("https://127.0.0.1/o", "egress.allow_networks"),
        ("https://[::ffff:10.0.0.1]/o", "egress.allow_networks"),
    ],
)
def test_a_url_that_is_not_allowed_is_refused_with_the_setting_to_change(url, why):
    with pytest.raises(EgressRefused, match=why) as caught:
        Egress().check_url(url)
    assert "hunter2" not in str(caught.value)


def test_plain_http_and_named_networks_can_be_allowed():
    Egress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")]).check_url("http://127.0.0.1:8000/o")


def test_a_refusal_is_a_value_error_and_a_permission_error():
    with pytest.raises(ValueError, match="plain http"):
        Egress().check_url("http://lms.example/")
    with pytest.raises(PermissionError, match="plain http"):
        Egress().check_url("http://lms.example/")
