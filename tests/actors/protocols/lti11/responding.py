"""Responses without an LMS."""

from datetime import UTC, datetime

import pytest

from actors.errors import DeliveryError
from actors.protocols.lti11.responses import classify
from actors.response import Response

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body>Log in for success</body></html>"


def answer(status: int = 200, body: bytes = b"", truncated: bool = False, **headers: str) -> Response:
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body, 0.1, truncated)


def refused(*args, hide=(), platform=None, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        classify(answer(*args, **kwargs), now=NOW, hide=hide, platform=platform)
    return caught.value
