"""The pool of PostgreSQL connections outlives whatever becomes of them."""

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest
from tortoise.context import TortoiseContext
from tortoise.exceptions import OperationalError, TransactionManagementError
from tortoise.transactions import in_transaction

from models.db.database import COMMAND_TIMEOUT, POOL, drop_stray_connections, tortoise_config
from models.db.sql import Statement, connection
from tests.fakes.wire import Wire
from tests.faults.proxy import Proxy

ONE = Statement("SELECT 1 AS one")
SESSION = Statement("SELECT pg_backend_pid() AS pid")

#: Seconds. What a dead connection is given in these tests, and what several such waits may take together.
SHORT, SOON = 1.0, 20.0

LOST = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


@pytest.fixture
def wire(fresh_database):
    with Wire.to(fresh_database("postgresql")) as wire:
        yield wire


@asynccontextmanager
async def opened(wire):
    """The database by way of the wire, with a pool as the daemon has it and little patience."""
    config = tortoise_config(wire.url)
    config["connections"]["postgres"]["credentials"] |= {
        "command_timeout": SHORT,
        "timeout": SHORT,
        "acquire_timeout": SHORT,
    }
    async with TortoiseContext() as context:
        await context.init(config=config)
        await ONE.row()
        yield
        # Ends at once only if every connection was given back.
        began = time.monotonic()
    assert time.monotonic() - began < SOON


@pytest.fixture
async def client(wire):
    async with opened(wire):
        yield


async def all_work():
    """Every connection of the pool at once, each in a transaction; gives the server's processes."""
    together = asyncio.Barrier(POOL)

    async def one():
        async with in_transaction():
            row = await SESSION.row()
            await together.wait()
            return row["pid"]

    async with asyncio.timeout(SOON):
        return set(await asyncio.gather(*(one() for _ in range(POOL))))


async def until_it_fails():
    with suppress(*LOST):
        while True:
            await ONE.row()


async def until_it_works():
    deadline = time.monotonic() + SOON
    while True:
        try:
            return await ONE.row()
        except LOST:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


async def test_every_connection_of_the_pool_comes_back_after_a_restart_of_the_server(client, postgres):
    before = await all_work()
    assert len(before) == POOL
    postgres.kill()
    await until_it_fails()
    postgres.start()
    await until_it_works()
    after = await all_work()
    assert len(after) == POOL
    assert not before & after


async def test_a_restart_in_the_middle_of_a_transaction_costs_that_transaction_only(client, postgres):
    async def work():
        async with in_transaction():
            await ONE.row()
            postgres.kill()
            postgres.start()
            await ONE.row()

    with pytest.raises(LOST):
        await work()
    await until_it_works()
    assert len(await all_work()) == POOL


async def test_a_session_that_the_server_ended_while_it_idled_in_a_transaction_is_replaced(client):
    async def work():
        async with in_transaction() as transaction:
            await transaction.execute_query("SET idle_in_transaction_session_timeout = '20ms'")
            while True:
                idled.add((await SESSION.row())["pid"])
                await asyncio.sleep(0.05)

    idled = set()
    with pytest.raises(LOST):
        await work()
    assert await ONE.row() == {"one": 1}
    sessions = await all_work()
    assert len(sessions) == POOL
    assert not idled & sessions


@pytest.mark.parametrize("where", ["no transaction", "begin", "statement", "commit", "rollback"])
async def test_work_on_a_dead_wire_is_given_up_and_its_connection_replaced(client, wire, where):
    dead_before = where in ("no transaction", "begin")

    async def work():
        if where == "no transaction":
            await ONE.row()
        async with in_transaction():
            if where == "begin":
                pytest.fail("it began")
            await ONE.row()
            wire.cut()
            if where == "statement":
                await ONE.row()
            elif where == "rollback":
                raise ZeroDivisionError

    await all_work()
    for _ in range(2):
        if dead_before:
            wire.cut()
        else:
            wire.restore()
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            await work()
        assert time.monotonic() - began < SOON
    wire.restore()
    # The same task, whose next statements must not go to the connection of a transaction that failed.
    assert await ONE.row() == {"one": 1}
    assert len(await all_work()) == POOL


async def test_closing_does_not_wait_for_a_transaction_that_hangs(wire):
    began, gone = asyncio.Event(), asyncio.Event()

    async def hangs():
        async with in_transaction():
            began.set()
            await gone.wait()

    async with opened(wire):
        hanging = asyncio.create_task(hangs())
        await began.wait()
    gone.set()
    with pytest.raises(asyncpg.InterfaceError):
        await hanging


async def test_waiting_for_a_connection_has_a_time_out(client):
    gone = asyncio.Event()
    held = asyncio.Semaphore(0)

    async def holds():
        async with in_transaction():
            await ONE.row()
            held.release()
            await gone.wait()

    holders = [asyncio.create_task(holds()) for _ in range(POOL)]
    for _ in holders:
        await held.acquire()
    for attempt in (ONE.row, all_work):
        with pytest.raises(TimeoutError):
            await attempt()
    gone.set()
    await asyncio.gather(*holders)
    assert len(await all_work()) == POOL


async def test_a_data_fault_in_a_transaction_rolls_it_back_and_keeps_the_connection(client):
    before = await all_work()
    with pytest.raises(OperationalError, match="division by zero"):
        async with in_transaction():
            await Statement("SELECT 1 / 0 AS no").row()
    assert await all_work() == before


# --- Connections that work and lead to a server that is of no use ---


async def execute(postgres, sql):
    await asyncio.to_thread(postgres.execute, sql)


async def test_every_session_that_became_read_only_is_replaced_at_the_first_write_that_it_refuses(wire, postgres):
    name = wire.url.rsplit("/", 1)[1]
    await execute(postgres, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with opened(wire):
        before = await all_work()
        await execute(postgres, f"ALTER DATABASE {name} RESET default_transaction_read_only")
        with pytest.raises(TransactionManagementError, match="read-only"):
            async with in_transaction():
                await Statement("CREATE TABLE one (id INT)").rows()
        for _ in range(POOL + 1):
            await Statement("CREATE TABLE IF NOT EXISTS one (id INT)").rows()
        assert not before & await all_work()


async def test_a_session_without_what_was_prepared_on_it_is_replaced(client):
    """As behind a pooler whose server was replaced."""
    await ONE.row()
    await connection().execute_script("DEALLOCATE ALL")
    with pytest.raises(asyncpg.InvalidSQLStatementNameError):
        await ONE.row()
    assert await ONE.row() == {"one": 1}


@pytest.mark.parametrize("where", ["a statement", "a transaction"])
async def test_a_connection_that_stays_open_before_a_server_that_was_restarted_is_found_and_replaced(
    fresh_database, postgres, where
):
    async def work():
        if where == "a statement":
            await Statement("SELECT pg_sleep(100)").rows()
        else:
            async with in_transaction():
                await Statement("SELECT pg_sleep(100)").rows()

    url = fresh_database("postgresql")
    with Proxy.to(postgres.host, postgres.port) as proxy:
        async with TortoiseContext() as context:
            await context.init(config=tortoise_config(proxy.before(url)))
            before = await all_work()
            working = asyncio.create_task(work())
            await asyncio.sleep(0.1)
            proxy.keep_open()
            postgres.kill()
            postgres.start()
            began = time.monotonic()
            while not working.done():
                await drop_stray_connections()
                await asyncio.sleep(0.1)
            with pytest.raises(LOST):
                await working
            assert time.monotonic() - began < COMMAND_TIMEOUT / 2
            assert not before & await all_work()


async def test_a_connection_of_before_a_failover_is_given_back_without_waiting_for_its_server(fresh_database, postgres):
    with Proxy.to(postgres.host, postgres.port) as proxy:
        async with TortoiseContext() as context:
            await context.init(config=tortoise_config(proxy.before(fresh_database("postgresql"))))
            client = connection()
            kept, lost = await client.take(), await client.take()
            await client.give_back(lost, usable=False)
            proxy.swallow()
            async with asyncio.timeout(COMMAND_TIMEOUT / 2):
                await client.give_back(kept, usable=True)
            proxy.recover()
            assert await ONE.row()


async def test_a_statement_that_takes_long_is_left_alone_while_its_server_lives(client, wire):
    async with TortoiseContext() as context:
        await context.init(config=tortoise_config(wire.url))
        working = asyncio.create_task(Statement("SELECT pg_sleep(3)").rows())
        while not working.done():
            await drop_stray_connections()
            await asyncio.sleep(0.1)
        assert await working
