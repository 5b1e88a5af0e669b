"""Entries that cannot be applied go to quarantine, alone, and intake goes on."""

import random
import shlex

import pytest
from tortoise.exceptions import IntegrityError, ValidationError
from typer.main import get_command

from daemon.cli.platform import app
from daemon.support.platform_kinds import filled
from models.assignment import GradedAssignment
from models.consumer import LtiConsumer, digest
from models.score import Score
from tests.daemon.ingest.reading import (
    DISABLED,
    KEY,
    LAUNCH,
    LAUNCH_13,
    RETIRED,
    SCORE,
    STRUCTURE,
    Stumbling,
    on_each_redis,
    quarantined,
    scores,
    where,
)

#: Characters that PostgreSQL cannot pack: three ids of them are more than its index row takes.
LONG_ID = "".join(chr(0x10000 + random.Random(7).randrange(n, n + 0x800)) for n in range(0, 0x800 * 255, 0x800))


async def test_an_entry_that_the_database_cannot_store_goes_to_quarantine_alone(intake, put, empty_database):
    await put(SCORE)
    culprit = await put(SCORE | dict.fromkeys(("user_id", "course_id", "usage_id"), LONG_ID))
    last = await put(SCORE | {"usage_id": "q"})
    await intake.read_all()
    assert await where() == (0, last)
    assert await Score.filter(user_id="u").count() == 2
    if empty_database.startswith("sqlite"):
        assert (await quarantined(), await Score.all().count()) == ([], 3)
        return
    (event,) = await quarantined()
    assert (event.entry_id, event.type, event.user_id) == (culprit, "score.changed", LONG_ID)
    assert event.reason.startswith("it cannot be stored: ")
    assert intake.counted() == {("score.changed", "applied"): 2, ("score.changed", "quarantined"): 1}


@pytest.mark.parametrize(
    "error",
    [IntegrityError("unique"), ValidationError("too long"), ValueError("\ud800 and \x00"), RecursionError("no")],
    ids=lambda error: type(error).__name__,
)
async def test_whatever_fault_of_the_data_it_is_its_neighbours_are_applied(make_intake, put, error):
    intake = await make_intake(applier=Stumbling(error))
    await put(LAUNCH, SCORE)
    culprit = await put(SCORE | {"usage_id": "stumbling block"})
    last = await put(SCORE | {"points_earned": "2"})
    await intake.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 2})
    (event,) = await quarantined()
    assert event.entry_id == culprit
    assert event.reason.startswith(f"it cannot be stored: {type(error).__name__}: ")
    assert (await GradedAssignment.get()).version_number == 3
    assert intake.counted()["score.changed", "applied"] == 2


async def test_a_lost_server_between_two_entries_of_a_bad_batch_costs_nothing(make_intake, put):
    class Fading(Stumbling):
        async def apply_scores(self, events, position, **how):
            if [event.usage_id for event in events] == ["q"]:
                raise ConnectionResetError("the server went away")
            return await super().apply_scores(events, position, **how)

    await put(SCORE, SCORE | {"usage_id": "stumbling block"})
    last = await put(SCORE | {"usage_id": "q"})
    fading, intake = await make_intake(applier=Fading(ValueError("no"))), await make_intake()
    with pytest.raises(ConnectionResetError):
        await fading.step()
    await intake.read_all()
    assert (await where(), await scores()) == ((0, last), {"p": 1, "q": 1})
    assert len(await quarantined()) == 1


@on_each_redis
async def test_the_first_4_kib_of_a_bad_entrys_bytes_are_kept(intake, put):
    bad = {b"type": b"launch", b"user_id": b"\xff\x00u", b"context_title": b"t" * 10_000, b"more": b"m"}
    await put(bad)
    await intake.read_all()
    (event,) = await quarantined()
    assert abs(event.at - intake.clock.now()) < 5_000
    assert event.content == (b"type=launch\nuser_id=\xff\x00u\ncontext_title=" + b"t" * 10_000)[:4096]


async def test_quarantine_records_the_learner_of_an_event(intake, put):
    await put(
        LAUNCH | {"oauth_consumer_key": "unknown", "user_id": "u" * 300},
        DISABLED | {"oauth_consumer_key": "longer than any key that there is", "lis_result_sourcedid": "t"},
    )
    await intake.read_all()
    first, second = await quarantined()
    assert (first.user_id, first.sourcedid_digest) == ("u" * 255, digest("s"))
    assert (second.user_id, second.sourcedid_digest) == (None, digest("t"))


@on_each_redis
async def test_an_entry_id_that_is_no_time_is_read_past_and_its_event_goes_to_quarantine(intake, put):
    await put(SCORE, entry_id=f"{2**64 - 1}-1")
    last = await put(SCORE | {"modified": "2026-01-01T00:00:00Z"}, entry_id=f"{2**64 - 1}-2")
    await intake.read_all()
    assert await where() == (0, last)
    assert all("ahead of the database's clock" in event.reason for event in await quarantined())
    assert len(await quarantined()) == 2
    assert await scores() == {}


@pytest.mark.parametrize(("ahead", "taken"), [(3_590_000, {"p": 1}), (3_700_000, {}), (10**15, {})])
async def test_an_id_more_than_an_hour_ahead_of_the_database_says_nothing_of_the_time(intake, put, ahead, taken):
    await put(SCORE, entry_id=f"{intake.clock.now() + ahead}-0")
    await intake.read_all()
    assert await scores() == taken


async def test_an_id_in_the_future_does_not_keep_the_learners_later_scores_out(intake, put, client):
    await put(SCORE | {"points_earned": "2"}, entry_id="32503680000000-0")
    await intake.read_all()
    # What the runbook says: a new stream counts from the present.
    await client.rename(KEY, "put aside")
    await put(SCORE)
    await intake.read_all()
    assert await scores() == {"p": 1}


NASTY = [
    *(b"", b"\x00", b"\xff", "\U0010ffff".encode(), b"\xed\xa0\x80", b"-1", b"1e400", b"-0", str(2**63).encode()),
    *(b"[]", b"null", b"[[]]", b'[{"usage_id":"\\ud800"}]', b'[{"usage_id":"\\u0000"}]', b"x" * 256, b"k" * 33),
    *(b"https://[::1", b"https://a:99999/", b"http://" + b"h" * 400, b"https://\xc3\xbc/", b"http://a\nb/", b"//"),
    *(b"0001-01-01T00:00:00+23:59", b"2020-01-01T00:00:00Z", b"1969-01-01T00:00:00Z", LONG_ID.encode()),
    *(b"u", b"c", b"p", b"key", b"s" * 5_000, b"launch", b"user.retired", b"score.changed", b"course.structure"),
]


async def test_whatever_a_field_holds_intake_reads_on(intake, client):
    optional = ["modified", "resource_link_id", "lti_user_id", "tool_consumer_instance_guid", "context_title"]
    entries = 0
    async with client.pipeline(transaction=False) as pipe:
        for base in (STRUCTURE, SCORE, LAUNCH, DISABLED, RETIRED):
            for name in [*base, *(optional if base is LAUNCH else optional[:1])]:
                for value in NASTY:
                    pipe.xadd(KEY, {**base, name: value})
                    entries += 1
        last = (await pipe.execute())[-1].decode()
    await intake.read_all()
    assert await where() == (0, last)
    assert sum(intake.counted().values()) == entries


async def test_a_launch_of_an_unknown_platform_goes_to_quarantine_under_its_client_id(intake, put):
    await put(LAUNCH_13)
    await intake.read_all()
    (event,) = await quarantined()
    assert event.reason.startswith("unknown platform, with issuer 'https://campus.example' and client id 'client': add")
    command = event.reason.split("`")[1]
    assert command == ("passbackd platform add NAME --issuer https://campus.example --client-id client --token-url URL")
    given = get_command(app).commands["add"].make_context("add", shlex.split(command)[3:]).params
    wanted = {name: given[name] for name in ("issuer", "token_url", "audience")}
    assert filled(None, **wanted) == ("https://campus.example", "URL", None), "nothing that it demands is missing"
    assert (event.consumer_key, event.user_id, event.lti_user_id, event.course_id) == ("client", "u", "sub", "c")
    assert intake.counted() == {("launch", "quarantined"): 1}


async def test_a_bad_launch_of_a_known_platform_goes_to_quarantine_under_its_key_and_goes_with_its_learner(intake, put):
    platform = {"issuer": LAUNCH_13["issuer"], "client_id": LAUNCH_13["client_id"], "consumer_secret": ""}
    await LtiConsumer.create(consumer_name="platform", consumer_key="uni", **platform)
    disabled = LAUNCH_13 | {"type": "assignment.disabled", "lineitem": "https://campus.example/no", "user_id": ""}
    await put(LAUNCH_13, disabled, LAUNCH_13 | {"lineitem": "no address"})
    await intake.read_all()
    first, second = await quarantined()
    assert (first.consumer_key, second.consumer_key) == ("uni", "uni")
    assert first.reason.startswith("no launch of this platform registered this learner for this line item")
    await put(RETIRED, disabled | {"modified": "2026-01-01T00:00:00Z"})
    await intake.read_all()
    assert await quarantined() == []
