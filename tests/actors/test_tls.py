"""By which TLS campuses are spoken to, each with its own authority where it has one."""

import ssl
from ipaddress import ip_network

import pytest

from actors.client import Sender, http_session
from actors.egress import Egress
from actors.errors import DeliveryError
from actors.tls import trust
from tests.daemon.check.certificates import served_with, valid_for
from tests.fakes.lms import RecordingLms

EGRESS = Egress(allow_networks=(ip_network("127.0.0.0/8"),))


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
def test_verification_is_never_off(minimum):
    context = trust(minimum=minimum)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version.name == f"TLSv{minimum.replace('.', '_')}"


def test_a_file_without_certificates_is_an_error(tmp_path):
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(ssl.SSLError):
        trust(tmp_path / "empty.pem")


async def test_an_authority_of_one_campus_is_trusted_at_that_campus_alone(tmp_path):
    certificate = valid_for(3, tmp_path)
    async with (
        RecordingLms(tls=served_with(certificate)) as lms,
        http_session(timeout_seconds=5, max_connections=4, egress=EGRESS) as session,
    ):
        sender = Sender(session, {"own": trust(certificate)})
        assert (await sender.post(lms.url(), b"<a/>", {}, consumer_key="own")).status == 200
        with pytest.raises(DeliveryError, match="certificate"):
            await sender.post(lms.url(), b"<a/>", {}, consumer_key="another")
        assert len(lms.requests) == 1


async def test_a_campus_that_speaks_an_older_tls_than_is_wanted_gets_nothing(tmp_path):
    certificate = valid_for(3, tmp_path)
    old = served_with(certificate)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with (
        RecordingLms(tls=old) as lms,
        http_session(timeout_seconds=5, max_connections=4, egress=EGRESS, ca_file=certificate) as session,
    ):
        sender = Sender(session, {"strict": trust(certificate, "1.3")})
        assert (await sender.post(lms.url(), b"<a/>", {})).status == 200
        with pytest.raises(DeliveryError):
            await sender.post(lms.url(), b"<a/>", {}, consumer_key="strict")
        assert len(lms.requests) == 1
