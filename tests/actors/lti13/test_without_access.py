"""A platform that gives no access token, or refuses those that it gave: what becomes of the grade, and what is said."""

import json
from typing import Any

import pytest

from models.campus import Campus, OutcomeService
from models.consumer import LtiConsumer
from models.consumer_admin import resume
from models.scopes import RESULT_SCOPE, SCORE_SCOPE
from models.unoffered import bring_back_offered
from tests.actors.sending import on_one_engine
from tests.actors.sending13 import launch_over, ledger, over_lti13
from tests.fakes.ags_tool import CLIENT
from tests.fakes.platform import fails, in_turn, login_page, only, reset, throttled, well
from tests.fakes.platform_kinds import D2L_AUDIENCE, aplus, canvas, d2l, moodle, openedx, sakai, strict
from tests.models.launching import launch
from tests.models.rows import BLOCK, COURSE, make_assignment, read_row
from tests.models.scores import apply_score

pytestmark = on_one_engine


def says(status: int, document: object = None, **more: Any):
    """An answer of the token server, in JSON."""
    body = b"" if document is None else json.dumps(document).encode()
    return only("token", fails(status, body=body, content_type="application/json", **more))


#: What `why` says of a platform that gives no token, and who has to act.
NONE = ("has given passbackd no access token since ", "`passbackd platform check client-7`", "operator")
SCOPE = ("has given passbackd no access token since ", "has to be allowed that scope at the platform", "operator")
AWAY = ("has been unable to give passbackd an access token since ", "a key that they do not know", "no one")
BUSY = ("is busy and asked for a pause", "It gets grades again at ", "no one")
#: A registration that may have other tokens than those for scores.
NO_SCORES = {"scopes": (RESULT_SCOPE,)}

#: Kind of platform, what it answers (None: what that kind does by itself), how it knows the tool, words of the
#: campus's error, and what `why` says.
WITHOUT = {
    "refused": (strict, says(400, {"error": "invalid_client"}), {}, "HTTP 400: invalid_client", NONE),
    "any words, Moodle": (moodle, says(400, {"error": "It is blue"}), {}, "HTTP 400: It is blue", NONE),
    "Open edX": (openedx, says(400, {"error": "unidentified_error"}), {}, "unidentified_error", NONE),
    "401": (strict, says(401, {"error": "invalid_client"}), {}, "HTTP 401: invalid_client", NONE),
    "forbidden": (strict, says(403, {"error": "no"}), {}, "HTTP 403: no", NONE),
    "wrong address": (strict, only("token", login_page(404)), {}, "HTTP 404: Log in", NONE),
    "redirect": (strict, says(302, headers={"Location": "https://sso.example/"}), {}, "https://sso.example", NONE),
    "audience": (d2l, None, {"audience": D2L_AUDIENCE}, "HTTP 400: invalid_client: the audience must be", NONE),
    "scope, A+": (aplus, None, NO_SCORES, "HTTP 400: invalid_scope", SCOPE),
    "scope, Sakai": (sakai, None, NO_SCORES, "HTTP 400: invalid_scope", SCOPE),
    "scope, Open edX": (openedx, None, NO_SCORES, f"without the scope {SCORE_SCOPE}", SCOPE),
    "other scopes": (strict, says(200, {"access_token": "a", "scope": "openid"}), {}, "without the scope", SCOPE),
    "unknown key, A+": (aplus, None, {"jwks_url": "http://127.0.0.1:9/jwks"}, "HTTP 500", AWAY),
    "500": (strict, says(500), {}, "HTTP 500", AWAY),
    "HTML": (strict, only("token", login_page()), {}, "HTTP 200 of the token URL with no access token", AWAY),
    "no token": (strict, says(200, {"token_type": "Bearer"}), {}, "no access token", AWAY),
    "lost": (strict, only("token", reset()), {}, "the connection was lost", AWAY),
    "408": (strict, says(408), {}, "HTTP 408", BUSY),
    "425": (strict, says(425), {}, "HTTP 425", BUSY),
    "429": (strict, only("token", throttled()), {}, "HTTP 429", BUSY),
    "limit, Canvas": (canvas, says(403, "403 Forbidden (Rate Limit Exceeded)"), {}, "HTTP 403", BUSY),
}


@pytest.mark.parametrize("name", WITHOUT)
async def test_without_a_token_nothing_is_sent_or_spent_and_the_reason_is_said(empty_database, key, name):
    kind, answer, registered, words, (what, advice, who) = WITHOUT[name]
    async with over_lti13(key, kind(), registered=registered) as over:
        leaf = await over.make_grade()
        over.platform.behave = answer or over.platform.behave
        for asked in (1, 2):
            over.sending.tick(2.5 * (asked - 1))
            for _ in range(5):
                await over.send_all()
            assert len(over.platform.of("token")) == asked, "after a failure it is not asked for a while"
        campus, row = await Campus.get(), await read_row(leaf)
        assert words in campus.last_error
        spent = (row["attempts"], row["claimed_at"], row["hold_until"], await ledger(leaf))
        assert spent == (0, None, 0, []), "no score has left, so that nothing is in doubt"
        await over.check_why("due", what, advice, campus.last_error, who=who)
        # What the operator's alert counts: a refusal that lasts until someone acts.
        counted = over.sending.value("passback_signature_refused_total", consumer="campus")
        assert (counted or 0) == (2 if who == "operator" and name != "redirect" else 0)

        # A set-up that is put right; an audience that did not fit is a fault of it, and none of the requests.
        over.platform.faults = [fault for fault in over.platform.faults if name != "audience"]
        over.platform.behave = lambda _: well()
        over.platform.register(CLIENT, jwks_url=over.jwks_url)
        over.sending.tick(40)
        await over.send_all()
        assert [result for result, _ in await ledger(leaf)] == ["accepted"]
        await over.check_why("clean", "Sent 0.25 to ")


async def test_an_operator_who_corrects_the_platform_ends_the_pause_that_its_token_server_asked_for(
    empty_database, key
):
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        over.platform.behave = in_turn("token", throttled(600))
        for _ in range(2):
            await over.send_all()
        assert (len(over.platform.of("token")), await ledger(leaf)) == (1, [])
        await resume(CLIENT, now=over.sending.now)
        for _ in range(2):
            await over.send_all()
        assert [result for result, _ in await ledger(leaf)] == ["accepted"]


# --- Tokens that the platform refuses ---


@pytest.mark.parametrize("kind", [canvas, moodle, openedx, aplus])
async def test_a_token_that_was_withdrawn_is_replaced_at_once_and_costs_no_attempt(empty_database, key, kind):
    async with over_lti13(key, kind()) as over:
        leaf = await over.make_grade()
        await over.send_all()
        over.platform.office.revoke()
        over.sending.tick(2)
        await over.change(leaf, 2)
        await over.send_once(leaf)
        await over.check_why("due", "refused the access token of the attempt", "passbackd gets another one")
        assert (await read_row(leaf))["attempts"] == 0
        await over.send_all()
        assert [result for result, _ in await ledger(leaf)] == ["accepted", "retried", "accepted"]
        assert (over.held(), len(over.platform.of("token"))) == ("0.5", 2)
        await over.check_why("clean", "Sent 0.5 to ")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "Unauthorized"),
        (403, "Invalid token signature."),
        (403, "The JWT has expired."),
        (403, "Bad access token"),
    ],
)
async def test_where_a_second_token_is_refused_too_the_set_up_is_at_fault(empty_database, key, status, words):
    refused = fails(status, body=json.dumps({"detail": words}).encode(), content_type="application/json")
    async with over_lti13(key) as over:
        leaf = await over.make_grade()
        over.platform.behave = only("score", refused)
        for _ in range(2):
            await over.send_all()
        assert await ledger(leaf) == [("retried", status), ("misconfigured", status)]
        assert len(over.platform.of("token")) == 2
        assert len({one.headers["Authorization"] for one in over.platform.of("score")}) == 2
        assert (await read_row(leaf))["attempts"] == 0
        said = f"HTTP {status}: {words.rstrip('.')}"
        await over.check_why("waiting", said, "the platform gives access tokens, and refuses them", who="operator")
        over.platform.behave = in_turn("score", well())
        over.sending.tick(120)
        await over.send_all()
        assert (await ledger(leaf))[-1] == ("accepted", 204)


# --- Launches that offer no scope for scores ---


@pytest.mark.parametrize("kind", [aplus, sakai])
async def test_where_the_launch_offers_no_scores_no_token_is_asked_for_until_one_does(empty_database, key, kind):
    async with over_lti13(key, kind()) as over:
        await OutcomeService.all().update(offered=RESULT_SCOPE)
        leaf, classmate = await over.make_grade(), await over.make_grade(learner="classmate")
        for _ in range(3):
            await over.send_all()
        assert over.platform.requests == []
        assert (await Campus.get()).tripped_at is None
        await over.check_why(
            "parked", f"did not offer the scope {SCORE_SCOPE}", "allow the tool that scope", who="campus"
        )

        # Another line item offers it: its token sends nothing of these.
        other = await over.address(await LtiConsumer.get(), over.platform.add_line_item())
        elsewhere = await make_assignment(other, user_id="other", lis_result_sourcedid="sub-other", due_at=1)
        await over.change(leaf, 2)
        await apply_score("other", COURSE, BLOCK, points=(1, 4), modified_us=over.sending.now * 1000)
        for _ in range(3):
            await over.send_all()
        assert [await ledger(one) for one in (leaf, classmate)] == [[], []]
        assert [result for result, _ in await ledger(elsewhere)] == ["accepted"]
        await over.change(leaf, 3)
        await over.send_all()
        await over.check_why("parked", "did not offer the scope", who="campus")
        assert await ledger(leaf) == []

        assert await bring_back_offered(now=over.sending.now) == 0, "nothing changes until a launch offers it"
        over.sending.tick(2)
        registration = launch_over(over, over.line_item, offered=f"{RESULT_SCOPE} {SCORE_SCOPE}")
        await launch(registration, now=over.sending.now)
        assert await bring_back_offered(now=over.sending.now) == 1, "the learner's own launch has unparked its grade"
        await over.send_all()
        assert [(await ledger(one))[0][0] for one in (leaf, classmate)] == ["accepted", "accepted"]
