"""A daemon that may open no more files blames no campus and spends no attempt."""

import errno
import os
from ipaddress import ip_network

import pytest
from aiohttp import ClientConnectorError
from aiohttp.client_reqrep import ConnectionKey

from actors.client import Sender
from actors.egress import Egress
from actors.errors import OutOfFiles, TryLater
from actors.transport_errors import translated
from tests.actors.campuses import breaker_of, columns, known, make_class
from tests.actors.posting import outcome_session
from tests.actors.sending import results

KEY = ConnectionKey("campus.example", 443, True, True, None, None, None)


class OutOfFilesEgress(Egress):
    """Makes sockets as a system does of which some number are left."""

    left = 0

    def socket_factory(self, addr_info):
        if not self.left:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        self.left -= 1
        return super().socket_factory(addr_info)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        ClientConnectorError(KEY, OSError(errno.EMFILE, "Too many open files")),
        ClientConnectorError(KEY, OSError(errno.ENFILE, "Too many open files in system")),
        ClientConnectorError(KEY, OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")),
        ClientConnectorError(KEY, OSError("Multiple exceptions: [Errno 24] Too many open files, [Errno 24] x")),
    ],
    ids=repr,
)
def test_what_this_machine_lacks_is_no_fault_of_a_campus(error):
    assert isinstance(translated(error, connected=False), OutOfFiles)


def test_a_connection_that_is_refused_is_the_campuss():
    refused = translated(ClientConnectorError(KEY, ConnectionRefusedError(errno.ECONNREFUSED, "no")), connected=False)
    assert type(refused) is TryLater


async def test_without_a_file_for_a_connection_no_attempt_is_spent_and_the_campus_stays_up(make_sending, lms, campus):
    sending = await make_sending()
    egress = OutOfFilesEgress(allow_http=True, allow_networks=[ip_network("127.0.0.0/8")])
    await known(campus)
    ids = await make_class(campus, 3)
    before = await breaker_of(campus)
    async with outcome_session(egress=egress) as session:
        sending.dependencies.sender = Sender(session)
        for _ in range(3):
            await sending.send(*ids)
            sending.tick(300)
        assert [await results(one) for one in ids] == [[]] * 3
        assert [await columns(one, "attempts", "parked_at") for one in ids] == [(0, None)] * 3
        assert await breaker_of(campus) == before
        egress.left = 100
        await sending.work_off()
    assert [await results(one) for one in ids] == [["accepted"]] * 3
