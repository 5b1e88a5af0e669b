"""First launches are registered together, and end as if each had been applied alone."""

import random
import re
from collections import Counter

import pytest
from tortoise.transactions import in_transaction

from actors.egress import Egress
from daemon.ingest.apply import Applier
from daemon.ingest.events import BadEvent
from daemon.ingest.first_launches import apply_first
from daemon.ingest.parse import read_event
from models.assignment import GradedAssignment
from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer, digest
from models.course import CourseTrees
from models.db.sql import Statement
from models.launch import RegistrationError
from models.stream_position import read_position
from tests.daemon.ingest.reading import DEBOUNCE, LAUNCH, NOW, RETIRED, SCORE, STRUCTURE, raw
from tests.models.rows import read_rows

#: What differs between two runs though the same was done.
NUMBERS = ("id", "outcome_service_id", "campus_id")
TABLES = ("graded_assignment", "stale_event", "orphaned_claim", "campus", "retired_user", "score", "quarantined_event")
URLS = ["https://campus.example/o", "https://campus.example/p", "https://elsewhere.example/o", "http://10.0.0.1/o"]


def some_launch(pick):
    """Few learners, blocks, links and cells, so that launches often meet."""
    launch = LAUNCH | {
        "oauth_consumer_key": pick.choice(["key", "key", "key", "other key", "no key"]),
        "user_id": f"u{pick.randrange(12)}",
        "usage_id": pick.choice(["p", "c", "elsewhere"]),
        "lis_result_sourcedid": f"s{pick.randrange(40)}",
        "lis_outcome_service_url": pick.choice(URLS[:1] * 6 + URLS),
    }
    details = {
        "resource_link_id": f"link-{pick.randrange(2)}",
        "lti_user_id": "theirs",
        "context_title": 'a "course"\\',
        "tool_consumer_instance_guid": pick.choice(["guid", "guid", "another"]),
        "modified": pick.choice(["1970-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T11:00:00Z"]),
        "ext_outcome_submission_submitted_at_accepted": "true",
    }
    return launch | {name: value for name, value in details.items() if pick.random() < 0.4}


class Both:
    """The same events on the same state, in both ways."""

    def __init__(self, intake):
        self.intake = intake
        self.now = intake.clock.now()

    async def begin(self, before, guid):
        for table in TABLES:
            await Statement(f"DELETE FROM {table}").rows()
        await OutcomeService.all().delete()
        await LtiConsumer.all().update(instance_guid=guid)
        self.intake.dirty.clear()
        await self.one_by_one(before)
        await Campus.all().update(tripped_at=1, blocked_until=self.now + 10**9)
        row = await GradedAssignment.all().order_by("id").first()
        if row is not None:
            service = await OutcomeService.get(id=row.outcome_service_id)
            await Statement(
                """INSERT INTO orphaned_claim (consumer_key, origin, claimed_until, url_digest, sourcedid_digest,
                in_doubt_until) VALUES ('', '', 0, :url, :cell, :until) RETURNING id"""
            ).rows(url=service.url_digest, cell=digest("s1"), until=self.now + 5000)

    def entries(self, events, first):
        return [(f"{NOW + first + number}-0", raw(event)) for number, event in enumerate(events)]

    async def one_by_one(self, events, first=0):
        applier = Applier(CourseTrees(), DEBOUNCE, self.intake.applier.egress)
        results, dirty = Counter(), []
        for entry in self.entries(events, first):
            try:
                async with in_transaction():
                    event = read_event(*entry, now=self.now)
                    result, touched = await applier.apply(event, await read_position(), now=self.now)
                await applier.probe()
            except (BadEvent, RegistrationError):
                # Those of a retired learner are stale.
                result, touched = "stale", []
            results[result] += 1
            dirty += touched
        return results, dirty

    async def together(self, events, first):
        counted = Counter(self.intake.counted())
        await self.intake.batches.take(await read_position(), self.entries(events, first))
        results = Counter()
        for (_, result), number in (Counter(self.intake.counted()) - counted).items():
            results["stale" if result == "quarantined" else result] += number
        return results, self.intake.dirty

    async def end(self, results, dirty):
        """What is stored, without numbers that the database gives, and what was said."""
        rows = await read_rows()
        cells = {row["id"]: (row["url"], row["lis_result_sourcedid"], row["consumer_key"]) for row in rows}
        stored = [
            {name: value for name, value in row.items() if name not in NUMBERS}
            | {"note": re.sub(r"\d+", "N", row["note"])}
            for row in rows
        ]
        touched = Counter((cells.get(one.assignment_id), one.kind, one.due_at, one.first) for one in dirty)
        campuses = await Campus.all().order_by("lti_consumer_id", "origin").values("origin", "blocked_until")
        services = await OutcomeService.all().order_by("id").values("lis_outcome_service_url", "offered")
        key = lambda row: (row["url"], row["consumer_key"], row["lis_result_sourcedid"])  # noqa: E731
        return sorted(stored, key=key), campuses, Counter(map(str, services)), results, touched


@pytest.fixture
async def both(make_intake):
    intake = await make_intake()
    intake.applier.egress = Egress()
    intake.backlog.applied = True
    return Both(intake)


@pytest.mark.parametrize("seed", range(12))
async def test_launches_together_end_as_one_after_the_other(both, seed):
    pick = random.Random(seed)
    before = [STRUCTURE] if pick.random() < 0.7 else []
    before += [SCORE | {"user_id": f"u{number}", "usage_id": "elsewhere"} for number in range(4)]
    before += [some_launch(pick) for _ in range(6)] + [RETIRED | {"user_id": "u11"}]
    events = [some_launch(pick) for _ in range(60)]
    guid = pick.choice([None, "guid", "*"])
    ended = []
    for way in (both.one_by_one, both.together):
        await both.begin(before, guid)
        ended.append(await both.end(*await way(events, 100)))
    for one, other in zip(*ended, strict=True):
        assert other == one


async def test_those_of_which_nothing_is_known_are_registered_together_and_all_others_are_left(both):
    await both.begin([LAUNCH], "guid")
    given = {
        "first": {},
        "known": {"lis_result_sourcedid": "s"},
        "its block is known": {"user_id": "u"},
        "in one cell, one": {"lis_result_sourcedid": "twice"},
        "in one cell, two": {"lis_result_sourcedid": "twice"},
        "of one block, one": {"user_id": "twice"},
        "of one block, two": {"user_id": "twice"},
        "in doubt": {"lis_result_sourcedid": "s1"},
        "another instance": {"tool_consumer_instance_guid": "another"},
        "its instance": {"tool_consumer_instance_guid": "guid"},
        "extensions": {"ext_outcome_submission_submitted_at_accepted": "true"},
        "of a new service": {"lis_outcome_service_url": URLS[1]},
        "of an unknown consumer": {"oauth_consumer_key": "no key"},
        "refused": {"lis_outcome_service_url": URLS[3]},
    }
    launches = [
        read_event(f"{NOW}-{number}", raw(LAUNCH | {"user_id": name, "lis_result_sourcedid": name} | changes), now=NOW)
        for number, (name, changes) in enumerate(given.items())
    ]
    async with in_transaction():
        first, dirty, _ = await apply_first(
            [one.registration for one in launches], await read_position(), trees=CourseTrees(), egress=None, now=NOW
        )
    assert {list(given)[number] for number in first} == {"first", "its instance"}
    assert len(dirty) == 2
