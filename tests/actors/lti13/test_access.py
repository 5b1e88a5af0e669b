"""Access tokens, from the grade that needs one to the platform: what it asks for, and what becomes of the grade."""

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from daemon.demo.platform.assertion import unverified
from daemon.demo.platform.rules import MICROS_PER_SECOND
from daemon.demo.platform.tokens import TokenForm
from models.campus import OutcomeService
from models.scopes import RESULT_SCOPE, SCORE_SCOPE
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import ledger, over_lti13
from tests.fakes.ags_tool import CLIENT
from tests.fakes.platform import fails, held, only, well
from tests.fakes.platform_kinds import D2L_AUDIENCE, aplus, canvas, d2l, moodle, openedx, sakai, strict
from tests.models.rows import read_row

pytestmark = on_one_engine


def assertion_of(record) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of the assertion in a request for a token."""
    return unverified(TokenForm.read(record.headers["Content-Type"], record.body).assertion)


# --- What is asked for ---


async def test_a_token_is_asked_for_with_an_assertion_as_the_specification_has_it(empty_database, key):
    async with over_lti13(key, columns={"deployment_id": "deployment-1"}) as over:
        leaf = await over.make_grade()
        await over.send_all()
        (asked,) = over.platform.of("token")
        form = dict(parse_qsl(asked.body.decode(), strict_parsing=True))
        assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        assert form.pop("client_assertion")
        assert form == {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "scope": SCORE_SCOPE,
        }
        header, claims = assertion_of(asked)
        assert header == {"alg": "RS256", "typ": "JWT", "kid": key.kid}
        issued = asked.arrived // MICROS_PER_SECOND - 30
        assert claims.pop("jti")
        assert claims == {
            "iss": CLIENT,
            "sub": CLIENT,
            "aud": over.platform.token_url,
            "iat": issued,
            "exp": issued + 300,
            "https://purl.imsglobal.org/spec/lti/claim/deployment_id": "deployment-1",
        }
        assert (over.platform.faults, await ledger(leaf)) == ([], [("accepted", 204)])
        await over.check_why("clean", "Sent 0.25 to ")


async def test_a_platform_that_wants_another_audience_is_given_it(empty_database, key):
    columns, registered = {"token_audience": D2L_AUDIENCE}, {"audience": D2L_AUDIENCE}
    async with over_lti13(key, d2l(), columns=columns, registered=registered) as over:
        leaf = await over.make_grade()
        await over.send_all()
        assert (await ledger(leaf), len(over.platform.of("token"))) == ([("accepted", 200)], 1)
        await over.check_why("clean", "Sent 0.25 to ")


@pytest.mark.parametrize(
    ("kind", "looks"), [(aplus, True), (canvas, True), (sakai, True), (moodle, False), (openedx, False)]
)
async def test_an_audience_that_does_not_fit_keeps_grades_from_those_who_look_at_it(empty_database, key, kind, looks):
    async with over_lti13(key, kind(), columns={"token_audience": "https://other.example/token"}) as over:
        leaf = await over.make_grade()
        await over.send_all()
        if looks:
            over.sending.tick(2.5)
            await over.send_all()
            assert [one.decision for one in over.platform.of("token")] == ["audience"] * 2
            assert (await ledger(leaf), (await read_row(leaf))["attempts"]) == ([], 0)
            await over.check_why("due", "has given passbackd no access token since ", "audience", who="operator")
            over.platform.faults.clear()
        else:
            assert [result for result, _ in await ledger(leaf)] == ["accepted"]
            await over.check_why("clean", "Sent 0.25 to ")


#: Seconds by which a platform's clock is behind, and what becomes of token requests: the time in an assertion is 30
#: seconds back, and Canvas takes one that is 30 seconds ahead.
LEEWAY = [(moodle, 29, ["token"]), (moodle, 45, ["early", "token"]), (canvas, 45, ["token"])]


@pytest.mark.parametrize(("kind", "behind", "decisions"), LEEWAY)
async def test_a_clock_a_little_behind_costs_no_request_and_no_other_costs_a_grade(
    empty_database, key, kind, behind, decisions
):
    async with over_lti13(key, kind(), offset=-behind) as over:
        leaf = await over.make_grade()
        await over.send_all()
        assert [one.decision for one in over.platform.of("token")] == decisions
        assert (await ledger(leaf))[-1] == ("accepted", 200)
        await over.check_why("clean", "Sent 0.25 to ")


#: Platforms whose clock is ahead by so many seconds, and why each refuses an assertion with the tool's own time.
CLOCKS = [(moodle, -400, "early"), (moodle, 400, "expired"), (canvas, -400, "early"), (canvas, 400, "expired")]


@pytest.mark.parametrize(("kind", "ahead", "why"), CLOCKS)
async def test_both_times_are_in_the_token_servers_own_which_its_last_answer_showed(
    empty_database, key, kind, ahead, why
):
    async with over_lti13(key, kind(), offset=ahead) as over:
        leaf = await over.make_grade()
        await over.send_all()
        assert [one.decision for one in over.platform.of("token")] == [why, "token"]
        over.platform.offset = 0
        over.platform.office.revoke()
        over.sending.tick(5)
        await over.change(leaf, 2)
        for _ in range(2):
            await over.send_all()
        second, third, fourth = over.platform.of("token")[1:]
        assert (third.decision, fourth.decision) == ("expired" if ahead < 0 else "early", "token")
        for asked, offset in ((second, 0), (third, ahead), (fourth, 0)):
            _, claims = assertion_of(asked)
            assert claims["iat"] + 30 - asked.arrived // MICROS_PER_SECOND == offset
            assert claims["exp"] - claims["iat"] == 300
        # A Canvas that is behind has refused the time of submission, too.
        came = [one for one in await ledger(leaf) if one != ("retried", 400)]
        assert (over.held(), came) == ("0.5", [("accepted", 200), ("retried", 401), ("accepted", 200)])
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize("offered", [(SCORE_SCOPE,), (SCORE_SCOPE, RESULT_SCOPE)])
@pytest.mark.parametrize("kind", [strict, moodle])
async def test_each_token_is_for_one_scope_that_the_launch_offered(empty_database, key, kind, offered):
    """Of A+ and Sakai, as of the strict one, a request with a scope that they do not give is refused altogether."""
    async with over_lti13(key, kind(), registered={"scopes": offered}) as over:
        await OutcomeService.all().update(offered=" ".join(offered))
        leaf = await over.make_grade()
        await over.send_all()
        over.platform.gradebook.cells[over.platform.column(over.line_item).path, "sub-learner"].since += (
            10 * MICROS_PER_SECOND
        )
        over.sending.tick(2)
        await over.change(leaf, 2)
        for _ in range(9):
            await over.send_all()
            over.sending.tick(40)
        assert over.held() == "0.5"
        assert {result for result, _ in await ledger(leaf)} == {"accepted", "overtaken"}
        await over.check_why("clean", "Sent 0.5 to ")
        assert {one.decision for one in over.platform.of("token")} == {"token"}
        assert {one.scopes for one in over.platform.of("token")} == {(scope,) for scope in offered}


#: How a platform says how long its tokens live, how long that is in seconds, and after how many a new one is got.
LIVES = {
    "number": ("number", 3600, 3540),
    "digits": ("digits", 3600, 3540),
    "absent": ("absent", 300, 240),
    "short": ("number", 100, 50),
}


@pytest.mark.parametrize("name", LIVES)
async def test_a_token_is_renewed_before_its_end_and_no_grade_meets_an_old_one(empty_database, key, name):
    says, life, renewed_after = LIVES[name]
    async with over_lti13(key, replace(strict(), expires_in=says)) as over:
        over.platform.office.life = life
        leaf = await over.make_grade()
        await over.send_all()
        for earned, seconds, tokens in ((2, renewed_after - 2, 1), (3, 3, 2)):
            over.sending.tick(seconds)
            await over.change(leaf, earned)
            await over.send_all()
            await over.platform.until(lambda tokens=tokens: len(over.platform.of("token")) == tokens)
        # What is left of the first one's life is over by now.
        over.sending.tick(min(life - renewed_after, renewed_after - 3))
        await over.change(leaf, 4)
        await over.send_all()
        assert (over.held(), await ledger(leaf)) == ("1", [("accepted", 204)] * 4)
        await over.check_why("clean", "Sent 1 to ")
        assert len(over.platform.of("token")) == 2


async def test_all_grades_of_a_platform_wait_for_one_request_and_it_costs_them_nothing(empty_database, key):
    answer = asyncio.Event()
    async with over_lti13(key) as over:
        over.platform.behave = only("token", held(answer))
        leaves = [await over.make_grade(learner=f"learner {number}") for number in range(5)]
        for _ in range(5):
            await over.sending.dispatcher.dispatch()
        await over.platform.until(lambda: over.platform.of("token"))
        rows = [await read_row(leaf) for leaf in leaves]
        assert {(row["claimed_until"], row["attempts"]) for row in rows} == {(None, 0)}
        await over.check_why("due", "Due since ", learner="learner 0")
        answer.set()
        await over.send_all()
        assert [await ledger(leaf) for leaf in leaves] == [[("accepted", 204)]] * 5
        assert len(over.platform.of("token")) == 1
        assert over.platform.most_tokens_at_once(CLIENT, SCORE_SCOPE) == 1


async def test_a_grade_whose_token_is_refused_whichever_it_is_waits_ever_longer_while_others_are_accepted(
    empty_database, key
):
    """The tool was taken out of one course: the others' grades say nothing of that."""
    async with over_lti13(key) as over:
        over.platform.behave = lambda one: fails(401) if one.user_id == "sub-out" else well()
        out, leaf = await over.make_grade(learner="out"), await over.make_grade()
        for earned in range(2, 42):
            over.sending.tick(2)
            await over.change(leaf, earned % 4)
            await over.send_all()
        came = len(over.platform.sent("sub-out"))
        assert 2 <= came <= 8
        assert len(over.platform.of("token")) <= came + 2
        assert {result for result, _ in await ledger(leaf)} == {"accepted"}
        assert [result for result, _ in await ledger(out)][:2] == ["retried", "misconfigured"]
        await over.check_why("waiting", "401", who="operator", learner="out")
