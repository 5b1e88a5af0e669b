"""
``python -m tests.golden.record``: names the recorded requests that differ from what the code sends now.

With ``--write`` it records them anew. The cases themselves are written by hand into ``requests.json``.
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.blackbox.world import World
from tests.checks.generated import stale
from tests.golden.test_requests_on_the_wire import (
    CASES,
    PROCESSES,
    REQUESTS,
    make_certificate,
    sent,
    sent_by_processes,
    to_lines,
    with_names,
)
from tests.servers import RedisServer, run_folder, valkey_binary


async def record_cases(folder: Path) -> list[dict[str, object]]:
    certificate = make_certificate(folder)
    return [{**case, "request": to_lines(await sent(case, certificate))} for case in CASES]


def record_processes(folder: Path) -> dict[str, list[str]]:
    with run_folder() as home:
        server = RedisServer(home / "valkey", valkey_binary())
        world = World(
            f"sqlite://{folder / 'test.db'}", server.fresh_url(), folder=folder / "world", home=home / "world"
        )
        try:
            server.start()
            return {operation: with_names(request) for operation, request in sent_by_processes(world)}
        finally:
            world.end_all()
            server.close()


def main() -> str | None:
    with tempfile.TemporaryDirectory() as name:
        found = {REQUESTS: asyncio.run(record_cases(Path(name))), PROCESSES: record_processes(Path(name))}
    texts = {path: json.dumps(data, indent=1) + "\n" for path, data in found.items()}
    if differ := stale(texts):
        return f"{', '.join(path.name for path in differ)}: not what the code sends; --write records it anew"
    print("the recorded requests are what the code sends")
    return None


if __name__ == "__main__":
    sys.exit(main())
