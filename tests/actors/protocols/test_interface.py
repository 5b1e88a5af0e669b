"""Each version of LTI offers what the interface asks for."""

import pytest

from actors.protocols.interface import OutcomeProtocol, RequestId, Target, WireScore
from actors.protocols.lti11.protocol import Lti11
from actors.response import Response
from tests.fakes.lms import pox

REQUEST = RequestId(1_772_366_400, "the-nonce", "the-message-id")
TARGET = Target("https://campus.example/outcomes", "key", "a-very-secret-secret", "the-sourcedid")


@pytest.fixture(params=[Lti11()], ids=lambda protocol: type(protocol).__name__)
def protocol(request) -> OutcomeProtocol:
    return request.param


def test_the_interface_writes_and_reads_scores_and_nothing_else():
    methods = [name for name in vars(OutcomeProtocol) if not name.startswith("_")]
    assert methods == ["write_score", "read_response", "write_read", "read_score"]


@pytest.mark.parametrize("reads", [False, True])
def test_a_request_hides_its_secrets(protocol, reads):
    wire = protocol.write_read(TARGET, REQUEST) if reads else protocol.write_score(TARGET, WireScore("0.5"), REQUEST)
    assert {"the-sourcedid", "a-very-secret-secret", "the-nonce"} <= set(wire.redacted)
    assert "a-very-secret-secret" not in f"{wire!r} {TARGET!r}"


@pytest.mark.parametrize(("held", "score"), [("0.75", "0.75"), ("", ""), ("the-sourcedid", "[…]")])
def test_a_score_is_read_as_the_lms_wrote_it(protocol, held, score):
    response = Response(200, {}, pox("success", held=held), 0.1)
    assert protocol.read_score(response, TARGET, redacted=["the-sourcedid"]).score == score


def test_a_score_is_read_although_it_is_the_sourcedid_too(protocol):
    assert protocol.read_score(Response(200, {}, pox("success", held="1"), 0.1), TARGET, redacted=["1"]).score == "1"


@pytest.mark.parametrize("body", [b"", b"<html>", pox("failure", "no")])
def test_what_holds_no_score_says_why(protocol, body):
    with pytest.raises(ValueError, match="without an envelope"):
        protocol.read_score(Response(200, {}, body, 0.1), TARGET, redacted=[])
