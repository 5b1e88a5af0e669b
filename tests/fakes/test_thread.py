"""Servers in a thread of their own."""

import threading
from contextlib import asynccontextmanager

import pytest

from tests.fakes.thread import in_thread


@asynccontextmanager
async def server(events, *, fails=""):
    if fails == "opening":
        raise ValueError(fails)
    events.append("open")
    yield threading.current_thread()
    events.append("closed")
    if fails == "closing":
        raise ValueError(fails)


def test_a_server_is_open_in_a_thread_of_its_own_as_long_as_the_context_is():
    events = []
    with in_thread(server(events)) as thread:
        assert thread is not threading.current_thread()
        assert events == ["open"]
    assert events == ["open", "closed"]
    assert not thread.is_alive()


@pytest.mark.parametrize("fails", ["opening", "closing"])
def test_what_goes_wrong_in_the_thread_is_raised_outside(fails):
    with pytest.raises(ValueError, match=fails), in_thread(server([], fails=fails)):
        assert fails == "closing"
