"""An Open edX site of the platform's substitutes: its processes, and what its tables say."""

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import redis

from tests.blackbox.daemon import PATIENCE, wait_until
from tests.blackbox.world import ROOT
from tests.clients.open_edx_site.campus_work.course import LINKED, grade, wire

PYTHON = ROOT / "clients/openedx/.venv/django52/bin/python"
MANAGE = Path(__file__).parent / "open_edx_site/manage.py"
LEARNERS = 2000
#: Groups of learners by name. Readers open what they have answered long ago; the others work until they are to rest.
GROUPS = {
    "always": range(1, 17),
    "till-south-comes": range(17, 25),
    "till-the-way-back": range(25, 33),
    "readers": range(33, 93),
}
#: LMS processes; a learner's requests go to one of them.
PARTS = 2


class OpenEdx:
    """*folder*: of its database, its settings and its logs. *broker_url*: the Redis in which its tasks wait."""

    def __init__(self, folder: Path, broker_url: str) -> None:
        self._folder = folder
        self._database = folder / "site.db"
        self._settings = folder / "operator_settings.py"
        self._settings.touch()
        self._broker = redis.Redis.from_url(broker_url, decode_responses=True)
        self.environment = {
            "PLATFORM_DATABASE": str(self._database),
            "SITE_SETTINGS": str(self._settings),
            "SITE_BROKER_URL": broker_url,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def make(self, campuses: dict[str, str]) -> None:
        """Its tables, with learners and the grades of years. *campuses*: their addresses by consumer key."""
        pairs = [f"{key}={url}" for key, url in campuses.items()]
        process = self._start("make_site", "--learners", str(LEARNERS), *pairs)
        assert process.wait(PATIENCE) == 0, self.said()

    def configure(self, settings: str) -> None:
        """Add to the operator's settings, for what is started next."""
        with self._settings.open("a") as file:
            file.write(settings)

    def start_worker(self) -> None:
        self._running["celery_worker"] = self._start("celery_worker")

    def stop_worker(self) -> None:
        self._end("celery_worker")

    def start_lms(self) -> None:
        for part in range(PARTS):
            self._start_part(part)

    def restart_lms(self) -> None:
        """One process after the other."""
        for part in range(PARTS):
            self._end(f"learners {part}")
            self._start_part(part)

    def _start_part(self, part: int) -> None:
        groups = [
            f"--group={name}={','.join(str(one) for one in ids if one // 2 % PARTS == part)}"
            for name, ids in GROUPS.items()
        ]
        self._broker.delete(f"seen:{part}")
        self._running[f"learners {part}"] = self._start("learners", str(part), *groups)
        wait_until(f"LMS {part} works", lambda: self._broker.get(f"seen:{part}"))

    def rest(self, *names: str) -> None:
        """Have groups of learners rest, and wait until they do."""
        self._broker.sadd("resting", *names)
        for part in range(PARTS):
            wait_until("they rest", lambda part=part: set(names) <= self._seen(part))

    def _seen(self, part: int) -> set[str]:
        return {name for name in GROUPS if name in (self._broker.get(f"seen:{part}") or "")}

    def work(self, *names: str) -> None:
        """Have them work again."""
        self._broker.srem("resting", *names)

    def wait_sent(self) -> None:
        """Until the worker has done all that waits for it now."""
        waiting = set(self._broker.zrange("celery", 0, -1))
        wait_until("the tasks are done", lambda: not waiting & set(self._broker.zrange("celery", 0, -1)), PATIENCE * 2)

    def newest(self) -> dict[str, str | None]:
        """The newest grade of each assignment by sourcedid, as campuses write it; None where nothing was answered."""
        with closing(sqlite3.connect(self._database)) as connection:
            raw: dict[int, dict[str, float]] = {}
            for user, block, points in connection.execute(
                "SELECT student_id, module_id, grade FROM courseware_studentmodule"
            ):
                raw.setdefault(user, {})[_name(block)] = points
            rows = connection.execute("SELECT user_id, lis_result_sourcedid FROM lti_provider_gradedassignment")
            grades = {sourcedid: grade(sourcedid.split(":")[1], raw.get(user, {})) for user, sourcedid in rows}
        return {sourcedid: None if score is None else wire(score) for sourcedid, score in grades.items()}

    def said(self) -> str:
        """All that its processes have said."""
        return "".join(file.read_text() for file in sorted(self._folder.glob("*.log")))

    def end(self) -> None:
        for name in list(self._running):
            self._end(name)
        self._broker.close()

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        log = self._folder / f"{len(list(self._folder.glob('*.log')))}.log"
        with log.open("wb") as output:
            return subprocess.Popen(
                [PYTHON, MANAGE, "lms", *arguments],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    def _end(self, name: str) -> None:
        process = self._running.pop(name)
        process.terminate()
        try:
            assert process.wait(PATIENCE) == 0, self.said()[-3000:]
        finally:
            process.kill()


def _name(usage_id: str) -> str:
    return usage_id.rpartition("@")[2]


def sourcedids(learners: range | list[int]) -> list[str]:
    """Those of all that a campus has linked, of these learners."""
    return [f"{learner}:{linked}" for learner in learners for linked in LINKED]


def campus_of(sourcedid: str) -> str:
    """The key of the campus at which a grade is."""
    return ("north", "south")[int(sourcedid.partition(":")[0]) % 2]
