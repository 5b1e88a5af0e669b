"""Real servers: passbackd's own, of which nothing else is on the path here, and MariaDB."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pymysql

PROJECT = Path(__file__).parents[3]
#: Where ``mariadb.sh`` unpacks it: beside the environments, once for both.
MARIADB = Path(__file__).parents[1] / ".venv" / "mariadb"


def _servers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("servers", PROJECT / "tests" / "servers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["servers"] = module
    spec.loader.exec_module(module)
    return module


servers: Any = _servers()


class MariaDB(servers.Server):  # type: ignore[misc]
    """A MariaDB as Tutor starts its database: strict, utf8mb4, its default isolation (REPEATABLE READ)."""

    def start(self) -> None:
        """Start with the data that is there, and wait until it answers."""
        data = self.folder / "data"
        if not data.exists():
            data.mkdir()
            self._make_system_tables()
        super().start()

    def create_database(self, name: str) -> None:
        """As Tutor's init task does."""
        self._execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")

    def _execute(self, sql: str) -> None:
        with pymysql.connect(host=self.host, port=self.port, user="root") as connection, connection.cursor() as cursor:
            cursor.execute(sql)

    def _mariadbd(self) -> list[str]:
        return [
            str(MARIADB / "usr/sbin/mariadbd"),
            "--no-defaults",
            f"--basedir={MARIADB / 'usr'}",
            f"--datadir={self.folder / 'data'}",
            f"--lc-messages-dir={MARIADB / 'usr/share/mysql'}",
            # A server that starts deletes the temporary tables of all others in the folder.
            f"--tmpdir={self.folder}",
            # It runs as root only where that is said.
            *(["--user=root"] if os.geteuid() == 0 else []),
        ]

    def _make_system_tables(self) -> None:
        scripts = MARIADB / "usr/share/mysql"
        parts = ("mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql")
        text = "CREATE DATABASE mysql;\nUSE mysql;\n" + "\n".join((scripts / part).read_text() for part in parts)
        done = subprocess.run(
            [*self._mariadbd(), "--bootstrap"],
            input=text,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=servers.PATIENCE,
        )
        if done.returncode:
            raise servers.ServerUnavailableError(f"MariaDB made no tables:\n{done.stderr[-4000:]}")

    @property
    def _environment(self) -> dict[str, str]:
        libraries = [str(folder) for folder in MARIADB.glob("**/lib/*-linux-gnu")]
        return {**os.environ, "LD_LIBRARY_PATH": os.pathsep.join(libraries)}

    def _command(self) -> list[str]:
        # The server's own environment is given by a program, since the class above hands on that of the tests.
        libraries = f"LD_LIBRARY_PATH={self._environment['LD_LIBRARY_PATH']}"
        return [
            *("/usr/bin/env", libraries, *self._mariadbd()),
            *(f"--bind-address={self.host}", f"--port={self.port}", f"--socket={self.folder / 'socket'}"),
            f"--pid-file={self.folder / 'server.pid'}",
            # As Tutor's, beside which these are MariaDB's defaults.
            *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"),
            "--sql-mode=STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_AUTO_CREATE_USER,NO_ENGINE_SUBSTITUTION",
            # What was committed is with the system when the server is killed; only a dead machine would lose it.
            "--innodb-flush-log-at-trx-commit=2",
            *("--skip-grant-tables", "--skip-networking=0", "--skip-name-resolve"),
        ]

    def _answers(self) -> bool:
        try:
            self._execute("SELECT 1")
        except pymysql.MySQLError:
            return False
        return True
