"""``why`` as the support desk calls it: with the daemon down, with Redis down, and with a role that may only read."""

import asyncio
import json
from uuid import uuid4

import pytest
from tortoise.exceptions import OperationalError

from models.db.database import open_database
from models.db.migrate import migrate
from models.stream_position import Intake
from tests.blackbox.world import KEY
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import Story
from tests.daemon.why.test_situations import ANSWERS, SEAM, numbered
from tests.servers import Port

#: The least that `why` needs: to read, and not even the consumers' secrets.
GRANTS = """
    GRANT USAGE ON SCHEMA public TO {role};
    GRANT SELECT ON tortoise_migrations, graded_assignment, outcome_service, campus, delivery, score, course_structure,
        quarantined_event, stale_event, intake, retired_user TO {role};
    GRANT SELECT (id, consumer_name, consumer_key, paused_at) ON lti_consumer TO {role}"""


@pytest.fixture
def no_redis():
    """The URL of a Redis that does not answer."""
    port = Port()
    yield f"redis://127.0.0.1:{port.number}/0"
    port.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request, make_world, fresh_database, no_redis):
    """No daemon, no Redis, and an empty database of each kind."""
    world = make_world(fresh_database(request.param), no_redis)
    world.set("log", timezone="Europe/Berlin")
    return world


def happened(world, name):
    """Have a situation happen to the database; gives the arguments that ask after it."""

    async def happen():
        url = world.settings["database"]["url"]
        await migrate(url)
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


def expected(name):
    text, _, document = (ANSWERS / f"{name}.txt").read_text().partition(SEAM)
    return text, json.loads(document)


def answers(world, asking):
    """What the command prints for people and for programs, ids counted from 1 and nothing behind the lines' ends."""
    text, document = world.call("why", *asking), world.call("why", *asking, "--json")
    assert (text.code, text.err, document.code, document.err) == (0, "", 0, "")
    lines = "\n".join(line.rstrip() for line in text.out.splitlines())
    return numbered(lines), json.loads(numbered(document.out))


def test_without_daemon_and_redis_the_answer_is_the_same_to_the_letter_and_free_of_escapes(world):
    got = answers(world, happened(world, "hostile_words"))
    assert got == expected("hostile_words")
    assert "\x1b" not in got[0]


def test_a_role_that_may_only_read_gets_the_answer(make_world, fresh_database, no_redis, postgres):
    url = fresh_database("postgresql")
    database = url.rsplit("/", 1)[1]
    role = f"support_{uuid4().hex}"
    world = make_world(url, no_redis)
    world.set("log", timezone="Europe/Berlin")
    asking = happened(world, "hostile_words")
    postgres.execute(f"CREATE ROLE {role} LOGIN; {GRANTS.format(role=role)}", database=database)
    try:
        world.set("database", url=url.replace("postgres@", f"{role}@"))
        assert answers(world, asking) == expected("hostile_words")
        retired = world.call("why", "--json", "--user", "nobody")
        assert (retired.code, json.loads(retired.out)[0]["state"]) == (0, "unknown"), retired.err
        found = world.rows("SELECT consumer_name FROM lti_consumer")
        assert found == [{"consumer_name": "[red]Evil[/red] \u202eUniversity"}]
        with pytest.raises(OperationalError, match="permission denied"):
            world.rows("SELECT consumer_secret FROM lti_consumer")
        said = world.call("consumer", "pause", KEY)
        assert (said.code, "permission denied" in said.err) == (2, True), "it can write, so that this shows nothing"
    finally:
        postgres.execute(f"DROP OWNED BY {role}; DROP ROLE {role}", database=database)


def test_a_database_that_has_never_seen_an_event_knows_no_learner(world):
    asyncio.run(migrate(world.settings["database"]["url"]))
    said = world.call("why", "--json", "--user", "42")
    assert said.code == 0, said.err
    (nothing,) = json.loads(said.out)
    assert (nothing["assignment_id"], nothing["user_id"], nothing["state"]) == (None, "42", "unknown")
    assert world.count("intake") == 0, "to ask changed something"


def test_a_wrong_question_gets_what_to_give(make_world, fresh_database, no_redis):
    world = make_world(fresh_database("sqlite"), no_redis)
    for wrong in ([], ["--json", "--course", "c", "--usage", "u"]):
        said = world.call("why", *wrong)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("whose grades? give --user ID")
        assert all(option in said.err for option in ("--lti-user", "--sourcedid"))
    for wrong, words in (
        (["--user", ""], "--user: give an id"),
        (["--lti-user", "\udcff"], "an argument is not valid UTF-8"),
    ):
        said = world.call("why", *wrong)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith(words)


def test_help_shows_an_example(make_world, fresh_database, no_redis):
    said = make_world(fresh_database("sqlite"), no_redis).call("why", "--help")
    assert said.code == 0
    assert "Example: passbackd why --user 42" in " ".join(said.out.split())
