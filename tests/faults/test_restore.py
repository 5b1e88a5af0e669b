"""Last night's database comes back under a stream that lives on: what the stream still holds is applied first."""

import shutil
import time
from collections.abc import Callable

from tests.blackbox.world import score, wire
from tests.faults.setup import Setup, of_all_kinds, on_both_pairs
from tests.faults.tool import LEAF, LEARNERS, POSSIBLE
from tests.servers import ServerUnavailableError

_TABLES = "SELECT string_agg(format('%I', tablename), ',') FROM pg_tables WHERE schemaname = 'public'"


def dump(setup: Setup) -> Callable[[], object]:
    """Copy the database as it is now; gives the way back to it."""
    if setup.postgres is None:
        file = setup.world.database_url.removeprefix("sqlite://")
        shutil.copy(file, f"{file}.dump")
        return lambda: shutil.copy(f"{file}.dump", file)
    postgres, database = setup.postgres, setup.world.database_url.rsplit("/", 1)[1]
    tables = postgres.execute(_TABLES, database=database).split(",")
    # One snapshot for all, as pg_dump takes it.
    copies = "".join(f"CREATE TABLE dump.{table} AS TABLE public.{table};" for table in tables)
    postgres.execute(f"BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE SCHEMA dump; {copies} COMMIT", database=database)
    names = ",".join(f"public.{table}" for table in tables)
    back = "".join(f"INSERT INTO public.{table} SELECT * FROM dump.{table};" for table in tables)
    # Without the checks of foreign keys, as pg_restore does; a transaction that has locked a row is waited for.
    local = "SET LOCAL session_replication_role = replica; SET LOCAL deadlock_timeout = '20ms'"
    sql = f"BEGIN; {local}; TRUNCATE {names}; {back} COMMIT"

    def restore() -> object:
        while True:
            try:
                return postgres.execute(sql, database=database)
            except ServerUnavailableError as error:
                # It locks all tables while daemons work: PostgreSQL picks the one that looks first out of a deadlock.
                if "deadlock detected" not in str(error):
                    raise

    return restore


@of_all_kinds
@on_both_pairs  # a restore is the copy of a file
def test_last_nights_database_under_a_living_stream_leaves_no_older_grade(setup):
    daemon = setup.begin()
    # SQLite's file is copied between two daemons, PostgreSQL's tables under a running one.
    running = setup.postgres is not None
    with setup.tool.at_work():
        setup.more_come()
        if not running:
            daemon.stop()
        restore = dump(setup)
        if not running:
            daemon = setup.daemon().wait_ready()
        known = {row["sourcedid"]: row["sent_score"] for row in setup.assignments()}
        # Each learner gets newer grades than the dump knows.
        setup.wait_changed()
        setup.more_come(15)
        if not running:
            daemon.stop()
        restore()
        restored = time.monotonic()
        if not running:
            setup.daemon()
        setup.more_come(15)
    # What the dump had not sent yet may go out before a running daemon notices the restore; what follows it is newer.
    # One that starts later catches up first. An attempt that was under way may find that its row became another one, or
    # lose its transaction to that of the restore.
    setup.check(
        expected=["attempt.fenced", "attempt.not_finished_yet"],
        overtaken=running,
        resumed=restored,
        restored=running,
        recorded_since=restored,
    )
    assert known.keys() == setup.tool.newest.keys()
    assert not known.items() & setup.held().items(), "no campus holds a grade of last night"


def nearby(points: int) -> int:
    """Another number of points: that to which a gradebook of two digits rounds it, if there is one."""
    hundredth = POSSIBLE // 100
    rounded = round(points / hundredth) * hundredth
    return rounded if rounded != points else points + (1 if points < POSSIBLE else -1)


@of_all_kinds
def test_grades_that_returned_to_their_values_of_last_night_overwrite_what_the_campuses_got_in_between(setup):
    setup.begin().stop()
    restore = dump(setup)
    earned = {name: round(float(setup.held()[f"{name}/{LEAF}"]) * POSSIBLE) for name in LEARNERS}
    between = {name: nearby(points) for name, points in earned.items()}
    for newest in (between, earned):
        setup.world.add(*(score(name, LEAF, points, POSSIBLE) for name, points in newest.items()))
        for there in setup.platforms:
            there.hold_later_times(2)
        began = time.monotonic()
        daemon = setup.daemon().wait_ready()
        setup.settle()
        held = {name: grade for name, grade in setup.held().items() if f"/{LEAF}" in name}
        assert held == {name: wire(newest[name.partition("/")[0]], POSSIBLE) for name in held}
        posts = {one.kind: [post for post in one.posts if post.began > began] for one in setup.platforms}
        refusing = {kind for kind, sent in posts.items() if any(post.decision == "older" for post in sent)}
        assert refusing == {"default", "openedx", "moodle", "moodle_4_5_0_own"}
        daemon.stop()
        restore()
