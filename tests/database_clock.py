"""The clock of a PostgreSQL database, which a test may set."""

from tests.postgres import PostgresServer

#: Before PostgreSQL's own function in the search path of every session; the step is a row.
_STEPPING = """
    CREATE TABLE public.clock_step AS SELECT CAST(0 AS DOUBLE PRECISION) AS seconds;
    CREATE FUNCTION public.clock_timestamp() RETURNS TIMESTAMPTZ LANGUAGE sql VOLATILE AS
        'SELECT pg_catalog.clock_timestamp() + seconds * INTERVAL ''1 second'' FROM public.clock_step'"""


class DatabaseClock:
    """The clock of the database at *url*; made before a daemon runs."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self._server, self._database = server, url.rsplit("/", 1)[1]
        self._server.execute(_STEPPING, database=self._database)
        self._server.execute(f"ALTER DATABASE {self._database} SET search_path = public, pg_catalog")

    def set(self, seconds: float) -> None:
        """Have it be so many seconds ahead of the machine's, in sessions that are open too."""
        self._server.execute(f"UPDATE clock_step SET seconds = {seconds}", database=self._database)
