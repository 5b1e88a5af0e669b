"""Who has to act about a grade, and when passbackd goes on by itself."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from daemon.infra.text import iso
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.show import print_answer
from models.campus import Campus
from models.stream_position import read_position
from tests.daemon.why.situations import SITUATIONS
from tests.daemon.why.story import NOW, TERMS, Story, before

pytestmark = pytest.mark.usefixtures("empty_database")

WITHOUT_DAEMON = replace(TERMS, daemon_runs=False)
NOT_READY = replace(TERMS, daemon_troubles=("Redis does not answer",))


async def asked(name, terms=TERMS):
    """The first object of the JSON, and the text."""
    await read_position()
    answer = await gather(await SITUATIONS[name](Story()), now=NOW)
    screen = io.StringIO()
    print_answer(answer, terms, Console(file=screen, width=250))
    return document(answer, terms)[0], screen.getvalue()


@pytest.mark.parametrize(
    ("name", "who", "next_ms"),
    [
        ("parked_for_the_sourcedid", "learner", None),
        ("parked_for_the_course", "teacher", None),
        ("parked_for_the_learner", "campus", None),
        ("campus_refuses_our_signature", "operator", 200_000),
        ("campus_with_a_certificate_that_has_expired", "campus", 200_000),
        ("campus_paused", "operator", None),
        ("campus_down", "no one", 200_000),
        ("campus_busy", "no one", 90_000),
        ("put_off_since_the_campus_refuses_everything", "operator", 30_000),
        ("retrying", "no one", 150_000),
        ("held_for_a_campus_that_processes_and_then_backs_off", "no one", 3_600_000),
        ("waiting_for_the_debounce", "no one", 300_000),
        ("structure_unknown", "tool", None),
        ("due_now", "operator", None),
        ("due_for_some_minutes", "no one", None),
        ("being_sent", "no one", None),
        ("sent", "no one", None),
        ("switched_off", "no one", None),
        ("never_registered", "learner", None),
        ("registered_elsewhere_and_the_block_is_unknown", "no one", None),
        ("quarantined", "operator", None),
        ("unknown_learner", "no one", None),
    ],
)
async def test_who_has_to_act_and_what_comes_next(name, who, next_ms):
    one, text = await asked(name)
    assert (one["who_acts"], one.get("next_at")) == (who, iso(None if next_ms is None else NOW + next_ms))
    assert ("Who has to act: no one" in text) == (who == "no one" and one["state"] in ("due", "waiting", "claimed"))


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        (
            WITHOUT_DAEMON,
            "No daemon is running, or none that can write: nothing is read or sent until its operator acts.",
        ),
        (NOT_READY, "A daemon is not ready, and passbackd's operator has to act: Redis does not answer."),
    ],
)
@pytest.mark.parametrize("name", ["waiting_for_the_debounce", "campus_down", "being_sent", "retrying"])
async def test_without_a_daemon_that_works_nothing_goes_on_by_itself(name, terms, words):
    one, text = await asked(name, terms)
    assert one["who_acts"] == "operator"
    assert words in one["reason"]
    assert text.count(words) == 2, "in the head, and where a grade waits"
    assert (one["daemon_runs"], one["daemon_troubles"]) == (terms.daemon_runs, list(terms.daemon_troubles))


@pytest.mark.parametrize("terms", [WITHOUT_DAEMON, NOT_READY])
@pytest.mark.parametrize("name", ["never_registered", "launched_by_a_link_that_asks_for_no_grade", "unknown_learner"])
async def test_without_a_daemon_that_works_a_launch_may_not_have_been_read(name, terms):
    one, text = await asked(name, terms)
    assert (one["who_acts"], one["daemon_runs"]) == ("operator", terms.daemon_runs)
    assert f"{terms.daemon_fault} A launch may not have been read yet." in one["reason"]
    assert "Who has to act: passbackd's operator." in text


@pytest.mark.parametrize(("ago", "who"), [(14, "no one"), (16, "operator")])
async def test_a_grade_is_overdue_only_when_its_campus_has_had_time_since_its_pause(ago, who):
    await read_position()
    asked = await SITUATIONS["campus_busy"](Story())
    await Campus.all().update(blocked_until=before(ago))
    (one,) = document(await gather(asked, now=NOW), TERMS)
    assert (one["state"], one["who_acts"], one["trouble"]) == ("due", who, who == "operator")


async def test_who_was_retired_stays_so_without_a_daemon():
    one, _ = await asked("retired_learner", WITHOUT_DAEMON)
    assert one["who_acts"] == "no one"


async def test_what_was_sent_does_not_wait_for_a_daemon():
    one, text = await asked("sent", WITHOUT_DAEMON)
    assert one["who_acts"] == "no one"
    assert "No daemon" not in one["reason"]
    assert text.count("No daemon") == 1
