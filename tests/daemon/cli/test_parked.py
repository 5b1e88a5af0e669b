"""What ``parked`` prints of many courses."""

import asyncio

import pytest
from typer.testing import CliRunner

from daemon.cli.app import app
from models.db.database import open_database
from models.db.migrate import migrate
from tests.models.rows import make_assignment

PARKED = {"parked_at": 5, "parked_scope": "course"}


@pytest.fixture
def call(tmp_path):
    """Calls the command on an SQLite database in which 41 courses have parked grades, for two reasons."""
    url = f"sqlite://{tmp_path}/parked.db"

    async def fill() -> None:
        await migrate(url)
        async with open_database(url):
            for number in range(40):
                await make_assignment(course_id=f"course {number}", parked_reason="it has ended", **PARKED)
            await make_assignment(course_id="course 0", parked_reason="it has ended", **PARKED)
            await make_assignment(course_id="late", parked_reason="no such column", **PARKED)

    asyncio.run(fill())
    return lambda *more: CliRunner().invoke(app, ["parked", *more], env={"PASSBACKD_DATABASE__URL": url})


def test_each_reason_is_shown_once_with_the_number_of_each_course(call):
    lines = call().stdout.splitlines()
    heads = [line.partition(" since ")[0] for line in lines if line and not line.startswith(" ")]
    assert heads == [
        "41 grades at campus (https://campus.example:443)",
        "1 grade at campus (https://campus.example:443)",
    ]
    assert next(line for line in lines if " in course " in line) == "  2 in course course 0"
    assert sum(" in course " in line for line in lines) == 41
    commands = [line.strip() for line in lines if "passbackd resend" in line]
    assert commands == [
        "passbackd resend --parked --consumer key",
        "passbackd resend --parked --consumer key --course late",
    ]


def test_a_sourcedid_that_is_dead_gets_no_command_that_cannot_help(call, tmp_path):
    async def park() -> None:
        async with open_database(f"sqlite://{tmp_path}/parked.db"):
            dead = {"parked_scope": "learner", "parked_reason": "HTTP 200, failure: SourcedId hash not valid"}
            await make_assignment(course_id="dead", **{**PARKED, **dead})

    asyncio.run(park())
    text = call("--course", "dead").stdout
    assert "only a new launch of the activity by the learner helps" in text
    assert "for example assignment" in text
    assert "resend" not in text


def test_one_course_alone_can_be_asked_for(call):
    lines = call("--course", "course 7").stdout.splitlines()
    assert lines[1] == "  1 in course course 7"
    assert "passbackd resend --parked --consumer key --course 'course 7'" in lines[-2]
