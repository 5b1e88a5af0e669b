"""Each version of LTI offers what the interface asks for."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from actors.errors import DeliveryError
from actors.protocols import protocol_for
from actors.protocols.interface import CLEARED, OutcomeProtocol, RequestId, Target, WireScore
from actors.response import Response
from tests.fakes.lms import pox

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
REQUEST = RequestId(1_772_366_400, "the-nonce", "the-message-id")
TARGET = Target("https://campus.example/outcomes", "key", "a-very-secret-secret", "the-sourcedid")


def results(held: str) -> bytes:
    return json.dumps([{"userId": "the-sourcedid", "resultScore": float(held) if held else None}]).encode()


#: By version of LTI, how an answer holds a score.
HOLDS = {"lti-1.1": lambda held: pox("success", held=held), "lti-1.3": results}


@pytest.fixture(params=list(HOLDS))
def version(request) -> str:
    return request.param


@pytest.fixture
def protocol(version) -> OutcomeProtocol:
    return protocol_for(version)


def test_the_interface_writes_and_reads_scores_and_nothing_else():
    methods = [name for name in vars(OutcomeProtocol) if not name.startswith("_")]
    assert methods == ["write_score", "read_response", "write_read", "read_score"]


@pytest.mark.parametrize("score", [None, "0.5", CLEARED])
def test_a_request_hides_its_secrets(protocol, version, score):
    wire = protocol.write_read(TARGET, REQUEST)
    if score is not None:
        wire = protocol.write_score(TARGET, WireScore(score), REQUEST)
    assert {"the-sourcedid", "a-very-secret-secret"} <= set(wire.redacted)
    # Over LTI 1.3 no request has a nonce.
    assert ("the-nonce" in wire.redacted) == (version == "lti-1.1")
    assert "a-very-secret-secret" not in f"{wire!r} {TARGET!r}"


@pytest.mark.parametrize("held", ["0.75", "0", "1", ""])
def test_a_score_is_read_as_the_lms_wrote_it(protocol, version, held):
    response = Response(200, {}, HOLDS[version](held), 0.1)
    assert protocol.read_score(response, TARGET, redacted=["the-sourcedid"]).score == held


def test_a_score_is_read_although_it_is_the_sourcedid_too(protocol, version):
    target = replace(TARGET, sourcedid="1")
    body = HOLDS[version]("1").replace(b"the-sourcedid", b"1")
    assert protocol.read_score(Response(200, {}, body, 0.1), target, redacted=["1"]).score == "1"


@pytest.mark.parametrize("body", [b"", b"<html>", pox("failure", "no"), b'{"error": "no"}', b"[[[[", b'"0.5"'])
def test_what_holds_no_score_says_why(protocol, body):
    with pytest.raises(ValueError, match=r"without an envelope|its answer (is|holds) no"):
        protocol.read_score(Response(200, {}, body, 0.1), TARGET, redacted=[])


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500])
def test_an_answer_to_a_reading_is_classified_too(protocol, version, status):
    response = Response(status, {}, HOLDS[version]("0.75") if status == 200 else b"", 0.1)
    if status == 200:
        assert protocol.read_response(response, now=NOW, platform=None, redacted=[]).http_status == 200
    else:
        with pytest.raises(DeliveryError, match=f"^HTTP {status}"):
            protocol.read_response(response, now=NOW, platform=None, redacted=[])
