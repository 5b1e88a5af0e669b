"""Each version of LTI offers what the interface asks for."""

import inspect
from datetime import UTC, datetime

import pytest

from actors.errors import DeliveryError, GiveUp
from actors.protocols import protocol_for
from actors.protocols.interface import Accepted, OutcomeProtocol, Stamp, Target
from actors.protocols.lti11.protocol import Lti11
from actors.response import Response
from tests.fakes.lms import pox

NOW = datetime(2026, 3, 1, tzinfo=UTC)
STAMP = Stamp(1_772_366_400, "the-nonce", "the-message-id")
TARGET = Target("https://campus.example/outcomes", "key", "a-very-secret-secret", "the-sourcedid")
UNWRITABLE = Target("https://campus.example/outcomes", "key", "a-very-secret-secret", "a\x00b")
METHODS = [name for name in vars(OutcomeProtocol) if not name.startswith("_")]


@pytest.fixture(params=[Lti11()], ids=lambda protocol: type(protocol).__name__)
def protocol(request) -> OutcomeProtocol:
    return request.param


def response(body: bytes, status: int = 200) -> Response:
    return Response(status, {}, body, 0.1)


def read(protocol: OutcomeProtocol, body: bytes, status: int = 200, platform: str | None = None) -> Accepted:
    return protocol.read_response(response(body, status), now=NOW, platform=platform, hide=["the-sourcedid"])


@pytest.mark.parametrize("method", METHODS)
def test_each_method_takes_what_the_interface_says(protocol, method):
    expected = inspect.signature(getattr(OutcomeProtocol, method))
    found = inspect.signature(getattr(type(protocol), method))
    assert found == expected


def test_the_interface_writes_and_reads_scores_and_nothing_else():
    assert METHODS == ["write_score", "read_response", "write_read", "read_score"]


def test_a_request_carries_its_score_and_its_stamp(protocol):
    wire = protocol.write_score(TARGET, "0.5", STAMP)
    for expected in (b"0.5", b"the-sourcedid", b"the-message-id"):
        assert expected in wire.body
    assert "the-nonce" in wire.headers["Authorization"]
    assert "1772366400" in wire.headers["Authorization"]


def test_a_request_that_reads_carries_no_score(protocol):
    wire = protocol.write_read(TARGET, STAMP)
    assert b"the-sourcedid" in wire.body
    assert b"resultScore" not in wire.body
    assert wire.body != protocol.write_score(TARGET, "0.5", STAMP).body


@pytest.mark.parametrize("method", ["write_score", "write_read"])
def test_a_request_hides_its_secrets(protocol, method):
    arguments = (TARGET, "0.5", STAMP) if method == "write_score" else (TARGET, STAMP)
    wire = getattr(protocol, method)(*arguments)
    assert {"the-sourcedid", "a-very-secret-secret", "the-nonce"} <= set(wire.hide)
    assert "a-very-secret-secret" not in f"{wire!r} {TARGET!r}"


@pytest.mark.parametrize("method", ["write_score", "write_read"])
def test_what_cannot_be_written_is_given_up_before_any_byte_leaves(protocol, method):
    arguments = (UNWRITABLE, "0.5", STAMP) if method == "write_score" else (UNWRITABLE, STAMP)
    with pytest.raises(GiveUp, match="no request can be written for this assignment") as caught:
        getattr(protocol, method)(*arguments)
    assert (caught.value.scope, caught.value.bytes_left) == ("campus", False)


def test_a_response_is_an_acceptance_or_an_error_named_by_what_to_do(protocol):
    assert read(protocol, pox("success", "stored")) == Accepted(200, "success", "stored")
    with pytest.raises(DeliveryError, match="HTTP 200, failure: unknown"):
        read(protocol, pox("failure", "unknown the-sourcedid"))


@pytest.mark.parametrize("platform", ["default", "canvas", "moodle"])
def test_the_operator_may_name_any_platform_that_the_configuration_knows(protocol, platform):
    assert read(protocol, pox("success"), platform=platform).http_status == 200


@pytest.mark.parametrize(("text", "score"), [(b"0.75", "0.75"), (b"", ""), (b"the-sourcedid", "[…]")])
def test_a_score_is_read_as_the_lms_wrote_it(protocol, text, score):
    result = b"<readResultResponse><result><resultScore><textString>%s</textString></resultScore></result>" % text
    body = pox("success").replace(b"<replaceResultResponse/>", result + b"</readResultResponse>")
    found = protocol.read_score(response(body), hide=["the-sourcedid"])
    assert found == score


@pytest.mark.parametrize("body", [b"", b"<html>", pox("failure", "no")])
def test_what_holds_no_score_says_why(protocol, body):
    with pytest.raises(ValueError, match="without an envelope"):
        protocol.read_score(response(body), hide=[])


def test_every_consumer_has_a_protocol():
    assert isinstance(protocol_for("any-key"), Lti11)
