"""``why`` as the support desk calls it: with the daemon down, with Redis down, and with a role that may only read."""

import asyncio
import json
from uuid import uuid4

import pytest
from tortoise.exceptions import OperationalError

from models.db.database import open_database
from models.stream_position import Intake
from tests.blackbox.world import KEY, launch, score
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import Story
from tests.daemon.why.test_situations import ANSWERS, SEAM, numbered

#: As docs/support.md has them: to read, and not even the consumers' secrets.
GRANTS = """
    GRANT SELECT ON tortoise_migrations, graded_assignment, outcome_service, campus, orphaned_claim, delivery, score,
        course_structure, learner_structure, quarantined_event, stale_event, intake, retired_user, heartbeat,
        clock_watch TO {role};
    GRANT SELECT (id, consumer_name, consumer_key, issuer, paused_at) ON lti_consumer TO {role}"""


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, make_world, migrated_database):
    """No daemon, no Redis, and an empty database of each kind."""
    world = make_world(migrated_database(request.param), "redis://127.0.0.1:1/0")
    world.set("log", timezone="Europe/Berlin")
    return world


def happened(world, name):
    """Have a situation happen to the database; gives the arguments that ask about it."""

    async def happen():
        url = world.settings["database"]["url"]
        async with open_database(url):
            asked = await SITUATIONS[name](Story())
            assert await Intake.all().count() <= 1
            return asked

    asked = asyncio.run(happen())
    options = {
        "--user": asked.user_id,
        "--course": asked.course_id,
        "--usage": asked.usage_id,
        "--lti-user": asked.lti_user_id,
        "--sourcedid": asked.sourcedid,
    }
    return [word for option, value in options.items() if value is not None for word in (option, value)]


def timeless(text, document):
    """An answer without what depends on the time of the question, and on whether a daemon runs."""
    head, _, rest = text.partition("\n\n")
    (as_of,) = [line.partition(": ")[2] for line in head.splitlines() if line.startswith("As of ")]
    return as_of, rest, [{**one, "as_of": "", "daemon_runs": None} for one in document]


def expected(name):
    text, _, document = (ANSWERS / f"{name}.txt").read_text().partition(SEAM)
    return timeless(text, json.loads(document))


def answers(world, asking):
    """What the command prints for people and for programs, ids counted from 1 and nothing behind the lines' ends."""
    text, document = world.call("why", *asking), world.call("why", *asking, "--json")
    assert (text.code, text.err, document.code, document.err) == (0, "", 0, "")
    assert text.out.startswith("configuration: ")
    assert "No daemon is running" in text.out
    lines = "\n".join(line.rstrip() for line in text.out.splitlines())
    return timeless(numbered(lines), json.loads(numbered(document.out)))


def test_without_daemon_and_redis_the_answer_is_the_same_to_the_letter_and_free_of_escapes(world):
    got = answers(world, happened(world, "hostile_words"))
    assert got == expected("hostile_words")
    assert "\x1b" not in str(got)


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_a_role_that_may_only_read_gets_the_answer(world, postgres):
    url = world.settings["database"]["url"]
    database = url.rsplit("/", 1)[1]
    role = f"support_{uuid4().hex}"
    asking = happened(world, "hostile_words")
    postgres.execute(f"CREATE ROLE {role} LOGIN; {GRANTS.format(role=role)}", database=database)
    try:
        world.set("database", url=url.replace("postgres@", f"{role}@"))
        assert answers(world, asking) == expected("hostile_words")
        asked = world.call("why", *asking, "--ask-campus")
        assert (asked.code, asked.err) == (0, "")
        assert "What the campus shows is not known: asking takes a database role that may claim grades" in asked.out
        unknown = world.call("why", "--json", "--user", "unknown")
        assert (unknown.code, json.loads(unknown.out)[0]["state"]) == (0, "unknown"), unknown.err
        for command in ("status", "parked"):
            said = world.call(command, "--json")
            assert (said.code, said.err) == (0, "")
        found = world.rows("SELECT consumer_name FROM lti_consumer")
        assert found == [{"consumer_name": "[red]Evil[/red] \u202eUniversity"}]
        with pytest.raises(OperationalError, match="permission denied"):
            world.rows("SELECT consumer_secret FROM lti_consumer")
        said = world.call("consumer", "pause", KEY)
        assert said.code == 2, "it can write, so that this shows nothing"
        assert "permission denied" in said.err
    finally:
        postgres.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", database=database)


def test_the_campus_is_asked_what_it_shows_and_all_learners_of_an_activity_are_found(pair, campus):
    daemon = pair.begin()
    for learner in ("ada", "bob"):
        pair.add(launch(learner, "problem-1", f"{learner}-1", campus.url()), score(learner, "problem-1", 4))
    daemon.wait_settled()
    campus.gradebook["/outcomes", "ada-1"] = "0.95"
    before = len(campus.applied)
    said = pair.call("why", "--user", "ada", "--ask-campus")
    assert (said.code, said.err) == (0, "")
    assert "That is 4 of 10 points, 40 %." in said.out
    assert "Asked now, the campus shows 0.95, and acknowledged 0.4" in said.out
    (one,) = json.loads(pair.call("why", "--user", "ada", "--ask-campus", "--json").out)
    assert one["campus_shows"] == {"score": "0.95", "why_not": None}
    assert len(campus.applied) == before, "nothing is sent"
    assert pair.count("graded_assignment WHERE claimed_until IS NOT NULL") == 0

    both = json.loads(pair.call("why", "--course", one["course_id"], "--usage", "problem-1", "--json").out)
    assert [(grade["user_id"], grade["percent"], grade["state"]) for grade in both] == [
        ("ada", 40.0, "clean"),
        ("bob", 40.0, "clean"),
    ]
