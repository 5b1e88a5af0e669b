"""What orders a score, so that it replaces whatever the platform holds: also a later grade that a person gave."""

import asyncio
import json
from datetime import datetime

import pytest

from daemon.demo.platform.tokens import AgsScope
from models.assignment import GradedAssignment
from models.changes import Change, change
from models.disabling import disable_line_item
from models.moment import Moment
from tests.actors.sending import DEBOUNCE, on_one_engine
from tests.actors.sending13 import launch_over, ledger, over_lti13
from tests.fakes.ags_tool import CLIENT
from tests.fakes.platform import held, in_turn
from tests.fakes.platform_kinds import moodle, openedx, strict
from tests.models.launching import launch
from tests.models.rows import read_row

pytestmark = on_one_engine


async def launch_again(over, line_item: str) -> None:
    modified = (over.sending.now - 3000) * 1000
    how = {"modified_us": modified, "resource_link_id": "link", "offered": " ".join(AgsScope)}
    registration = launch_over(over, line_item, **how)
    assert (await launch(registration, now=over.sending.now))[0] == "applied"


def graded_by_hand(over) -> None:
    over.platform.set_by_hand(over.line_item, "sub-learner", "0.9")


async def another_line_item(over, _leaf: int) -> None:
    """A launch names another one, in which a teacher has given a grade."""
    over.line_item = over.platform.add_line_item()
    graded_by_hand(over)
    await launch_again(over, over.line_item)


async def enabled_again(over, _leaf: int) -> None:
    graded_by_hand(over)
    moment, now = Moment((over.sending.now - 4000) * 1000, 0), over.sending.now
    where = over.platform.issuer, CLIENT, over.line_item, "sub-learner"
    await disable_line_item(*where, moment=moment, now=now)
    await launch_again(over, over.line_item)


async def restored(over, leaf: int) -> None:
    """The score is read again from the stream, by a database that does not know what was sent."""
    graded_by_hand(over)
    now = over.sending.now
    await change([Change(leaf, "leaf", scored_at=now - 3000)], now=now, debounce=DEBOUNCE, force=True)


async def answered_late(over, leaf: int) -> None:
    """The claim was lost while its request was under way."""
    answer = asyncio.Event()
    over.platform.behave = in_turn("score", held(answer))
    attempt = asyncio.create_task(over.sending.send(leaf))
    await over.platform.until(lambda: len(over.platform.of("score")) == 2)
    over.sending.tick(((await read_row(leaf))["claimed_until"] - over.sending.now) / 1000)
    assert await over.sending.rescue() == 1
    answer.set()
    await attempt
    over.sending.tick(5)
    graded_by_hand(over)


@pytest.mark.parametrize("order", [another_line_item, enabled_again, restored, answered_late])
@pytest.mark.parametrize("kind", [strict, moodle, openedx])
async def test_an_ordered_score_replaces_a_later_grade_that_a_person_gave(empty_database, key, kind, order):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await GradedAssignment.filter(id=leaf).update(resource_link_id="link")
        await over.send_all()
        over.sending.tick(5)
        await over.change(leaf, 2)
        over.sending.tick(5)
        # Launch and score are of 3 seconds ago, and a request keeps the time of its own version.
        scored_at = (over.sending.now - (5000 if order is answered_late else 3000)) // 1000
        await order(over, leaf)
        for _ in range(4):
            await over.send_all()
            over.sending.tick(30)
        stamp = json.loads(over.platform.of("score")[1].body)["timestamp"]
        assert datetime.fromisoformat(stamp).timestamp() == scored_at
        results = [result for result, _ in await ledger(leaf)]
        assert (over.held(), results[-1]) == ("0.5", "accepted")
        assert "overtaken" in results
        await over.check_why("clean", "Sent 0.5 to ")
