"""Processes of the platform die at any moment, and Redis dies, comes back and loses everything meanwhile."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import django
import redis
from lms.djangoapps.courseware.models import StudentModule
from lms.djangoapps.lti_provider.models import GradedAssignment
from processes_of_tests import TESTS, running
from servers_of_tests import servers
from site_of_tests import STREAM

#: One part of it on the older Django: the two run beside each other.
SHARE = 1 if django.VERSION >= (5,) else 5
#: Of the writers: enough for 2,000 scores. A round of faults takes 700, and they end with a hundred without any.
STEPS = 3_600 if SHARE == 1 else 800
POSSIBLE = "4.0"


class Faults:
    """What happens to Redis, a hundred steps of the writers apart, and what was on the stream before it was lost."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.seen: list[dict[str, str]] = []
        self._next: cycle[Callable[[], Any]] = cycle(
            [
                lambda: None,
                lambda: self._do("flushall"),
                server.kill,
                lambda: server.start(empty=True),
                self._evict,
                server.kill,
                self._start_and_catch_up,
            ]
        )

    def next(self) -> None:
        if self._server.running:
            self.seen += self.on_stream()
        next(self._next)()

    def _evict(self) -> None:
        """As a Redis does that runs full: what a relay has stored beside the stream is still there."""
        self.catch_up()
        self._do("delete", STREAM)

    def _start_and_catch_up(self) -> None:
        self._server.start()
        self.catch_up()

    def catch_up(self) -> None:
        """Wait for the relay."""
        deadline = time.monotonic() + servers.PATIENCE
        while lacking(self.on_stream()) and time.monotonic() < deadline:
            time.sleep(0.2)

    def on_stream(self) -> list[dict[str, str]]:
        return [fields for _, fields in self._do("xrange", STREAM)]

    def _do(self, command: str, *args: str) -> Any:
        with redis.Redis.from_url(self._server.url(), decode_responses=True) as client:
            return getattr(client, command)(*args)


def newest(events: list[dict[str, str]]) -> dict[tuple[str, str], tuple[datetime, float, str]]:
    """The newest score of each learner in each problem: time, points and points possible."""
    found: dict[tuple[str, str], tuple[datetime, float, str]] = {}
    for event in events:
        if event["type"] == "score.changed":
            key = (event["user_id"], event["usage_id"])
            score = datetime.fromisoformat(event["modified"]), float(event["points_earned"]), event["points_possible"]
            found[key] = max(score, found.get(key, score))
    return found


def test_nothing_that_was_committed_is_lost_and_nothing_else_is_sent(
    emptied: None, own_valkey: Any, tmp_path: Path
) -> None:
    faults, url = Faults(own_valkey), own_valkey.url()
    relay = ("-m", "django", "passbackd_relay", "--every", "2")
    with running(tmp_path / "relay", *relay, url=url) as long_lived:
        with running(tmp_path / "site", str(TESTS / "killed_site.py"), str(STEPS), url=url) as site:
            assert site.stdin is not None
            for line in site.stdout or ():
                if line.startswith("{"):
                    done = json.loads(line)
                    site.wait(servers.PATIENCE)
                    break
                faults.next()
                site.stdin.write("\n")
                site.stdin.flush()
        assert site.returncode == 0, (tmp_path / "site").read_text()[-4000:]
        own_valkey.start()
        before = len(lacking(faults.on_stream()))
        faults.catch_up()
        lost = lacking(faults.on_stream())
        assert long_lived.poll() is None, (tmp_path / "relay").read_text()[-4000:]
    assert lost == set()
    # It ends in good order when it is asked to.
    assert long_lived.returncode == 0

    scores, launches = committed(), committed_launches()
    print(f"{len(scores)} scores, {len(launches)} launches; {before} not on the stream before the last sweep; {done}")
    assert len(scores) >= 2_000 / SHARE
    assert len(launches) >= 150 / SHARE
    assert done["f"] >= 100 / SHARE
    assert min(done[kind] for kind in "CSA") >= 5 / SHARE
    assert done["writers"] >= 50 / SHARE
    everything = faults.seen + faults.on_stream()
    assert {event["points_possible"] for event in everything if event["type"] == "score.changed"} == {POSSIBLE}
    assert not [event for event in everything if event.get("lis_result_sourcedid", "").startswith("phantom")]
    # Both ways onto the stream had their part: the receivers know the time of a launch, the relay does not.
    assert {event["modified"] > "1970-01-02" for event in everything if event["type"] == "launch"} == {True, False}


def lacking(events: list[dict[str, str]]) -> set[Any]:
    """What was committed and is not on the stream, or not as the newest."""
    names = ("user_id", "usage_id", "lis_result_sourcedid")
    launches = {tuple(event[name] for name in names) for event in events if event["type"] == "launch"}
    return (committed() - set(newest(events).items())) | (committed_launches() - launches)


def committed_launches() -> set[tuple[str, str, str]]:
    rows = GradedAssignment.objects.values_list("user_id", "usage_key", "lis_result_sourcedid")
    return {(str(user), str(key), sourcedid) for user, key, sourcedid in rows}


def committed() -> set[tuple[tuple[str, str], tuple[datetime, float, str]]]:
    # No campus asks for the scores of a learner without a launch.
    graded = StudentModule.objects.filter(student__in=GradedAssignment.objects.values("user"))
    rows = graded.values_list("student_id", "module_state_key", "modified", "grade", "max_grade")
    return {((str(user), str(key)), (when, grade, str(possible))) for user, key, when, grade, possible in rows}
