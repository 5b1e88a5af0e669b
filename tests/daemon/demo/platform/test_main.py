"""The sample platform as a process of its own."""

import asyncio
import signal
import sys

from tests.fakes.ags_tool import AgsTool, key_set, published


async def test_it_takes_and_prints_scores_until_it_is_interrupted(rsa_keys):
    async with published(lambda: key_set(rsa_keys[0])) as jwks_url:
        call = (sys.executable, "-m", "daemon.demo.platform", jwks_url, "--port", "0", "--client-id", "me")
        process = await asyncio.create_subprocess_exec(*call, stdout=asyncio.subprocess.PIPE)
        lines = (line.decode().split() async for line in process.stdout)
        token_url = (await anext(lines))[-1]
        line_item = (await anext(lines))[-1]
        tool = AgsTool(rsa_keys[0], token_url, "me")
        await tool.authorize()
        await tool.send(line_item)
        assert await anext(lines) == ["user", "user-7:", "score", "0.5"]
        await tool.send(line_item)
        assert await anext(lines) == ["refused:", "score,", "equal"]
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0


async def test_a_port_that_is_taken_is_named(known):
    port = str(known.platform.port)
    call = (sys.executable, "-m", "daemon.demo.platform", known.jwks_url, "--port", port)
    process = await asyncio.create_subprocess_exec(*call, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 1
    assert f"port {port} cannot be listened on" in said.decode()
