"""A score goes to a platform over LTI 1.3: key set, token, score and ledger."""

import asyncio
import json

import pytest

from daemon.demo.platform.rules import TimeRule
from models.campus import OutcomeService
from models.consumer import LtiConsumer
from models.db.clock import Clock
from models.scopes import SCORE_SCOPE
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13, until_settled
from tests.fakes.ags_tool import CLIENT
from tests.fakes.platform_kinds import KINDS
from tests.models.rows import read_lines, read_row

#: Changes of one grade, and seconds between two of them.
CHANGES, PAUSE = 15, 0.06


async def test_a_score_is_signed_for_authorized_delivered_and_on_record(empty_database, key):
    async with over_lti13(key) as over:
        leaf = await over.make_grade(1)
        await over.send_all()
        assert over.held() == "0.25"
        (asked,), (sent,) = over.platform.of("token"), over.platform.of("score")
        assert (asked.scopes, asked.decision, sent.decision) == ((SCORE_SCOPE,), "token", "stored")
        assert len(over.platform.requests) == 2, "the launch named the line item"
        assert sent.headers["Content-Type"] == "application/vnd.ims.lis.v1.score+json"
        stamp = json.loads(sent.body)["timestamp"]
        row = await read_row(leaf)
        assert json.loads(sent.body) == {
            "userId": "sub-learner",
            "scoreGiven": 0.25,
            "scoreMaximum": 1,
            "timestamp": stamp,
            "activityProgress": "Completed",
            "gradingProgress": "FullyGraded",
        }
        assert (row["sent_version"], row["sent_score"], row["attempts"]) == (row["version_number"], "0.25", 0)
        (line,) = await read_lines(leaf)
        assert (line["result"], line["http_status"], line["attempt"], line["score"]) == ("accepted", 204, 1, "0.25")
        assert (await LtiConsumer.get(consumer_key=CLIENT)).signing_kid == key.kid
        why = await over.explained()
        assert (why["protocol"], why["state"], why["sent_score"]) == ("lti-1.3", "clean", 0.25)


def held_in_the_end(rule: TimeRule, sent: list[float]) -> str:
    return f"{max(sent) if rule.keeps_best else sent[-1]:.6f}".rstrip("0").rstrip(".")


@on_one_engine
@pytest.mark.parametrize("kind", KINDS)
async def test_of_many_changes_within_two_seconds_the_last_one_is_held_in_the_end(empty_database, key, kind):
    clock = Clock()
    await clock.measure()
    async with over_lti13(key, KINDS[kind](), clock=clock, hands_over=True) as over:
        scores = [(number * 7 % 15 + 1) / 16 for number in range(CHANGES)]
        leaf = await over.make_grade(scores[0] * 4)
        async with over.sending.at_work():
            for score in scores[1:]:
                await asyncio.sleep(PAUSE)
                await over.change(leaf, score * 4)
            await until_settled(leaf)
        rule = over.platform.service.kind.rule
        sent = [float(json.loads(one.body)["scoreGiven"]) for one in over.platform.of("score")]
        assert sent[-1] == scores[-1]
        assert over.held() == held_in_the_end(rule, sent)
        assert len(over.platform.of("score")) <= 25
        assert over.platform.overlaps() == []
        assert {result for result, _ in await ledger(leaf)} <= {"accepted", "overtaken"}
        await over.check_why("clean", f"Sent {scores[-1]} to ")


#: Path of a line item, and the query after it, which is a part of its address.
LINE_ITEMS = [
    ("/mod/lti/services.php/2/lineitems/3/lineitem", "?type_id=1"),
    ("/api/items/a%2Fb%20c;d=1", ""),
    ("/items/4", "?b=/c?d&&e=%2f+%20&lineitem"),
]


@on_one_engine
@pytest.mark.parametrize(("path", "query"), LINE_ITEMS)
async def test_a_score_goes_beneath_the_line_items_path_and_its_address_stays_as_it_is(
    empty_database, key, path, query
):
    async with over_lti13(key) as over:
        address = over.platform.add_line_item(path=path) + query
        await OutcomeService.all().update(lis_outcome_service_url=address)
        leaf = await over.make_grade()
        await over.send_all()
        assert [one.path_qs for one in over.platform.of("score")] == [f"{path}/scores{query}"]
        assert (await ledger(leaf), over.platform.grade(address, "sub-learner")) == ([("accepted", 204)], "0.25")
        await over.check_why("clean", "Sent 0.25 to ")


@on_one_engine
@pytest.mark.parametrize(("earned", "text"), [(4 / 3, "0.333333"), (0.000004, "0.000001"), (4, "1")])
async def test_a_score_is_written_as_it_is_on_record(empty_database, key, earned, text):
    async with over_lti13(key) as over:
        leaf = await over.make_grade(earned)
        await over.send_all()
        (sent,) = over.platform.of("score")
        assert f'"scoreGiven": {text}, "scoreMaximum": 1,'.encode() in sent.body
        assert [(line["result"], line["score"]) for line in await read_lines(leaf)] == [("accepted", text)]
        await over.check_why("clean", f"Sent {text} to ")
