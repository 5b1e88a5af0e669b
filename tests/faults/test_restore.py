"""Last night's database comes back under a stream that lives on: what the stream still holds is applied first."""

import shutil
import time

import pytest

from tests.blackbox.world import score, wire
from tests.faults.tool import LEAF, POSSIBLE
from tests.servers import ServerUnavailableError

pytestmark = pytest.mark.timeout(120)

#: What an attempt says that was under way when its row became another one.
EXPECTED = ("attempt.fenced",)

_TABLES = "SELECT string_agg(format('%I', tablename), ',') FROM pg_tables WHERE schemaname = 'public'"


class Dump:
    """A copy of the database as it is now, and the way back to it."""

    def __init__(self, scene):
        self._scene = scene
        self._name = scene.database_url.rsplit("/", 1)[1]
        if scene.postgres is None:
            self._file = scene.database_url.removeprefix("sqlite://")
            shutil.copy(self._file, f"{self._file}.dump")
            return
        self._tables = self._sql(_TABLES).split(",")
        # One snapshot for all, as pg_dump takes it.
        copies = "".join(f"CREATE TABLE dump.{table} AS TABLE public.{table};" for table in self._tables)
        self._sql(f"BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE SCHEMA dump; {copies} COMMIT")

    def restore(self):
        if self._scene.postgres is None:
            shutil.copy(f"{self._file}.dump", self._file)
            return
        names = ",".join(f"public.{table}" for table in self._tables)
        back = "".join(f"INSERT INTO public.{table} SELECT * FROM dump.{table};" for table in self._tables)
        # Without the checks of foreign keys, as pg_restore does; whoever has locked a row is waited for.
        sql = f"BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE {names}; {back} COMMIT"
        while not self._went_through(sql):
            pass

    def _went_through(self, sql):
        """Whoever locks all tables while others work may be the one whom PostgreSQL picks out of a deadlock."""
        try:
            self._sql(sql)
        except ServerUnavailableError as error:
            if "deadlock detected" not in str(error):
                raise
            return False
        return True

    def _sql(self, sql):
        return self._scene.postgres.execute(sql, database=self._name)


def test_last_nights_database_under_a_living_stream_leaves_no_older_grade(scene):
    daemon = scene.begin()
    with scene.tool.at_work():
        scene.more_come()
        if scene.postgres is None:
            daemon.stop()
            dump = Dump(scene)
            daemon = scene.daemon().wait_ready()
        else:
            dump = Dump(scene)
        known = {row["sourcedid"]: row["sent_score"] for row in scene.rows()}
        # Everybody gets newer grades than the dump knows.
        scene.news_of(*scene.tool.histories)
        scene.more_come(15)
        if scene.postgres is None:
            daemon.stop()
            dump.restore()
            restored = time.monotonic()
            daemon = scene.daemon()
        else:
            dump.restore()
            restored = time.monotonic()
        scene.more_come(15)
    scene.settle(daemon)
    assert known.keys() == scene.tool.newest.keys()
    assert not known.items() & scene.held().items(), "no grade of last night stands at the campus"
    # What the dump had not sent yet may go out before a running daemon notices the restore; what follows it is newer.
    # One that comes later looks first.
    noticed_late = scene.postgres is not None
    scene.check(expected=EXPECTED, overtaken=noticed_late, woke=restored, ledger_since=restored)


def test_a_grade_that_came_back_to_its_value_of_last_night_goes_over_what_stood_in_between(scene):
    daemon = scene.begin()
    daemon.stop()
    dump = Dump(scene)
    learner, sourcedid = "user-0", f"user-0/{LEAF}"
    last_night = scene.held()[sourcedid]
    earned = round(float(last_night) * POSSIBLE)
    between = earned + 1 if earned < POSSIBLE else earned - 1
    scene.world.add(score(learner, LEAF, between, POSSIBLE))
    daemon = scene.daemon().wait_ready()
    scene.settle(daemon)
    assert scene.held()[sourcedid] == wire(between, POSSIBLE)
    daemon.stop()
    dump.restore()
    scene.world.add(score(learner, LEAF, earned, POSSIBLE))
    daemon = scene.daemon().wait_ready()
    scene.settle(daemon)
    assert scene.held()[sourcedid] == last_night
    daemon.stop()
