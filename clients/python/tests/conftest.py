"""A real Valkey, and an HTTP intake in front of it."""

import pytest
import redis

from tests.clients.http_intake import running_intake
from tests.conftest import _valkey_9, server_folder, valkey, valkey_url

__all__ = ["_valkey_9", "server_folder", "valkey", "valkey_url"]

STREAM = "passback:events"


@pytest.fixture
def stream(valkey_url):
    """The stream's entries, as text."""
    with redis.Redis.from_url(valkey_url, decode_responses=True) as client:
        yield lambda: [fields for _, fields in client.xrange(STREAM)]


@pytest.fixture
def intake(valkey_url):
    """An HTTP intake that appends onto the stream; it has ``url`` and ``token``."""
    with running_intake(valkey_url, STREAM) as running:
        yield running
