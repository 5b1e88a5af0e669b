"""The proxy of the faults, since the suite concludes from what it does."""

import gc
import socket
import socketserver
import threading
import time
from contextlib import ExitStack, suppress

import pytest

from tests.faults.proxy import Proxy


class _Echo(socketserver.BaseRequestHandler):
    def handle(self):
        with suppress(ConnectionError):
            while said := self.request.recv(1000):
                self.server.heard.append(said)
                self.request.sendall(said)


@pytest.fixture
def echo():
    """Says what it hears; remembers it."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads, server.heard = True, []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy(echo):
    with Proxy.to(*echo.server_address) as proxy:
        yield proxy


@pytest.fixture
def connect(proxy):
    with ExitStack() as opened:
        yield lambda: opened.enter_context(socket.create_connection((proxy.host, proxy.port), timeout=10))


def ask(connection, words):
    connection.sendall(words)
    return connection.recv(1000)


def test_a_cut_resets_what_is_open_and_refuses_what_comes_until_it_recovers(proxy, connect):
    connection = connect()
    assert ask(connection, b"one") == b"one"
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        connection.recv(1000)
    with pytest.raises(ConnectionRefusedError):
        connect()
    proxy.recover()
    assert ask(connect(), b"two") == b"two"


def test_a_cut_also_resets_connections_that_are_just_being_accepted(proxy, connect):
    # While the proxy's loop is busy, they queue up and the cut comes in the same turn.
    proxy._loop.call_soon_threadsafe(time.sleep, 0.05)
    clients = [connect() for _ in range(20)]
    proxy.cut()
    for client in clients:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    # What asyncio forgot to close warns when it goes.
    gc.collect()


def test_what_is_swallowed_never_arrives_and_the_connection_is_reset_at_the_recovery(proxy, connect, echo):
    old = connect()
    assert ask(old, b"one") == b"one"
    proxy.swallow()
    new = connect()
    for connection in (old, new):
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            ask(connection, b"two")
        connection.settimeout(10)
    proxy.recover()
    for connection in (old, new):
        with pytest.raises(ConnectionResetError):
            connection.recv(1000)
    assert ask(connect(), b"three") == b"three"
    assert echo.heard == [b"one", b"three"]


def test_the_answer_to_chosen_words_is_lost_although_the_server_heard_them(proxy, connect, echo):
    bystander, connection = connect(), connect()
    proxy.lose_the_answer_to(b"accepted", b"COMMIT")
    assert ask(bystander, b"COMMIT") == b"COMMIT"
    assert ask(connection, b"it was accepted") == b"it was accepted"
    assert not proxy.lost.is_set()
    with pytest.raises(ConnectionResetError):
        ask(connection, b"COMMIT;")
    assert proxy.lost.wait(10)
    assert echo.heard[-1] == b"COMMIT;"
    # Once.
    assert ask(bystander, b"accepted, COMMIT") == b"accepted, COMMIT"
