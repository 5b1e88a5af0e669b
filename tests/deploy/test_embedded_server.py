"""The embedded server, run by a distribution's own program."""

import os
from pathlib import Path

import pytest
import redis.asyncio

from daemon.infra.embedded import embedded_server
from tests.daemon.infra.test_embedded_privacy import intrude
from tests.deploy.debian import tool

LIBRARIES = ("liblzf1", "libjemalloc2", "liblua5.1-0", "lua-cjson", "lua-bitop", "libatomic1", "libhiredis0.14")


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """Debian's redis-server, with what it needs."""
    server = tool("redis-server", "redis-server", "redis-tools", *LIBRARIES, libraries="usr/lib/x86_64-linux-gnu")
    file = tmp_path / "redis-server"
    variables = " ".join(f"{name}={value}" for name, value in server.environment.items())
    file.write_text(f'#!/bin/sh\nexec env {variables} {server.path} "$@"\n')
    file.chmod(0o755)
    return file


async def test_another_account_achieves_nothing_and_the_tool_writes_with_the_password(tmp_path, program):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    directory = tmp_path / "valkey"
    async with embedded_server(directory, 0, program=program) as server:
        password = (directory / "password").read_text().strip()
        if os.getuid() == 0:
            assert intrude(directory, server.port, password[:20], server.process.pid) == []
        async with redis.asyncio.Redis(port=server.port) as stranger:
            for command in ("PING", "XADD s * type x", "XRANGE s - +", "CONFIG SET dir /tmp", "SHUTDOWN"):
                with pytest.raises(redis.AuthenticationError):
                    await stranger.execute_command(*command.split())
        async with redis.asyncio.Redis(port=server.port, password=password) as tool_of_ours:
            assert await tool_of_ours.xadd("passback:events", {"type": "x"})
