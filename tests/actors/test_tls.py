"""Which certificates and versions of TLS a campus may have, each campus with its own authority where it has one."""

import ssl

import pytest

from actors.client import Sender
from actors.errors import DeliveryError, Misconfigured
from actors.tls import trust
from tests.actors.posting import BODY, HEADERS, open_sender, outcome_session
from tests.fakes.lms import RecordingLms


@pytest.mark.parametrize("minimum", ["1.2", "1.3"])
def test_verification_is_never_off(minimum):
    context = trust(minimum=minimum)
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version.name == f"TLSv{minimum.replace('.', '_')}"


async def test_nothing_has_left_for_a_campus_whose_certificate_cannot_be_trusted(tls):
    async with RecordingLms(tls=tls) as lms, open_sender() as post:
        with pytest.raises(Misconfigured) as caught:
            await post.send(lms.url(), BODY, HEADERS)
    assert not caught.value.bytes_left


def test_a_certificate_file_without_certificates_is_an_error(tmp_path):
    (tmp_path / "empty.pem").write_text("nothing")
    with pytest.raises(ssl.SSLError, match=r"no certificate|NO_CERTIFICATE"):
        trust(tmp_path / "empty.pem")


async def test_an_authority_of_one_campus_is_trusted_at_that_campus_alone(tls, certificate):
    async with (
        RecordingLms(tls=tls) as lms,
        outcome_session() as session,
        outcome_session(ca_file=certificate) as own,
    ):
        sender = Sender(session, {"own": own})
        assert (await sender.send(lms.url(), BODY, HEADERS, consumer_key="own")).status == 200
        with pytest.raises(DeliveryError, match="certificate"):
            await sender.send(lms.url(), BODY, HEADERS, consumer_key="another")
        assert len(lms.requests) == 1


async def test_a_campus_that_speaks_an_older_tls_than_is_wanted_gets_nothing(tls, certificate):
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    async with (
        RecordingLms(tls=tls) as lms,
        outcome_session(ca_file=certificate) as session,
        outcome_session(ca_file=certificate, minimum_tls="1.3") as strict,
    ):
        sender = Sender(session, {"strict": strict})
        assert (await sender.send(lms.url(), BODY, HEADERS)).status == 200
        with pytest.raises(DeliveryError):
            await sender.send(lms.url(), BODY, HEADERS, consumer_key="strict")
        assert len(lms.requests) == 1
