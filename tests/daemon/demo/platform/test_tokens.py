"""Who gets a token from the sample platform: real assertions, verified against keys that it fetches."""

import json
import time
from email.utils import parsedate_to_datetime

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from daemon.demo.platform.tokens import AgsScope
from tests.fakes.ags_tool import CLIENT, AgsTool


async def test_a_right_assertion_gets_a_token_with_its_life_and_scope(known):
    status, body = await known.tool.ask()
    token = json.loads(body)
    assert (status, token["token_type"], token["expires_in"]) == (200, "Bearer", 3600)
    assert token["scope"] == AgsScope.SCORE
    (one,) = known.platform.requests
    assert (one.operation, one.client_id, one.scopes, one.decision) == ("token", CLIENT, (AgsScope.SCORE,), "token")


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://elsewhere.example/token"}, "audience"),
        ({"aud": None}, "audience"),
        ({"sub": "another"}, "client"),
        ({"iss": "another", "sub": "another"}, "client"),
        ({"jti": None}, "claims"),
        ({"exp": None}, "claims"),
        ({"iat": "yesterday"}, "claims"),
        ({"iat": int(time.time()) + 3600}, "early"),
        ({"exp": int(time.time()) - 3600}, "expired"),
    ],
)
async def test_an_assertion_with_a_wrong_claim_is_refused(known, claims, why):
    status, body = await known.tool.ask(known.tool.form(assertion=known.tool.assertion(**claims)))
    assert status in (400, 401)
    assert json.loads(body)["error"] == "invalid_client"
    assert known.platform.requests[0].decision == why
    assert not known.platform.office.issued


async def test_the_audience_is_compared_letter_by_letter_and_may_be_another(known):
    almost = known.tool.assertion(aud=known.tool.token_url + "/")
    assert (await known.tool.ask(known.tool.form(assertion=almost)))[0] == 400
    known.platform.office.tools[CLIENT].audience = "https://auth.example/token"
    assert (await known.tool.ask())[0] == 400
    right = known.tool.assertion(aud="https://auth.example/token")
    assert (await known.tool.ask(known.tool.form(assertion=right)))[0] == 200


async def test_a_signature_by_another_key_is_refused_whatever_the_assertion_calls_it(known, rsa_keys):
    impostor = AgsTool(rsa_keys[1], known.platform.token_url)
    forged = impostor.assertion(header={"kid": rsa_keys[0].kid})
    assert (await known.tool.ask(known.tool.form(assertion=forged)))[0] == 401
    assert known.platform.requests[0].decision == "signature"


async def test_an_assertion_without_a_signature_or_with_a_secret_for_a_key_is_refused(known, rsa_keys):
    head, claims, _ = known.tool.assertion().split(".")
    assert (await known.tool.ask(known.tool.form(assertion=f"{head}.{claims}.")))[0] == 401
    public = OctKey.import_key(rsa_keys[0].as_pem(private=False).hex())
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": known.tool.token_url, "iat": 1, "exp": 9999999999, "jti": "one"}
    confused = jwt.encode({"alg": "HS256", "kid": rsa_keys[0].kid}, claims, public)
    assert (await known.tool.ask(known.tool.form(assertion=confused)))[0] == 401
    assert [one.decision for one in known.platform.requests] == ["signature", "signature"]


async def test_another_algorithm_is_refused_though_the_key_is_right(known):
    other = known.tool.assertion(header={"alg": "RS512"})
    assert (await known.tool.ask(known.tool.form(assertion=other)))[0] == 401


async def test_an_assertion_that_does_not_name_its_key_is_refused_by_a_platform_with_a_key_set(known, rsa_keys):
    nameless = known.tool.assertion(header={"kid": None})
    assert (await known.tool.ask(known.tool.form(assertion=nameless)))[0] == 401
    known.platform.register(CLIENT, pem=rsa_keys[0].as_pem(private=False).decode())
    assert (await known.tool.ask(known.tool.form(assertion=nameless)))[0] == 200


async def test_an_assertion_is_good_for_one_token(known):
    form = known.tool.form()
    assert (await known.tool.ask(form))[0] == 200
    assert (await known.tool.ask(form))[0] == 400
    assert known.platform.requests[1].decision == "replay"


async def test_a_new_key_is_refused_until_the_platform_fetches_the_key_set_again(known, rsa_keys):
    assert (await known.tool.ask())[0] == 200
    known.keys.append(rsa_keys[1])
    known.tool.key = rsa_keys[1]
    assert (await known.tool.ask())[0] == 401
    assert known.platform.requests[1].decision == "key"
    tool = known.platform.office.tools[CLIENT]
    tool.keys.cached_for = 0
    assert (await known.tool.ask())[0] == 200
    assert tool.keys.fetches == 2


async def test_a_platform_that_refetches_for_an_unknown_key_takes_it_at_once(known, rsa_keys):
    tool = known.platform.register(CLIENT, jwks_url=known.jwks_url, refetches=True)
    assert (await known.tool.ask())[0] == 200
    known.keys[:] = [rsa_keys[1]]
    assert (await known.tool.ask())[0] == 200, "the old one is still known"
    known.tool.key = rsa_keys[1]
    assert (await known.tool.ask())[0] == 200
    assert tool.keys.fetches == 2


async def test_a_tool_whose_key_set_cannot_be_had_is_refused(known):
    known.platform.register(CLIENT, jwks_url=known.platform.issuer + "/nothing-here")
    assert (await known.tool.ask())[0] == 401


@pytest.mark.parametrize(
    "changes",
    [{"grant_type": "password"}, {"client_assertion_type": "jwt"}, {"client_assertion": "no.j.wt"}, {"scope": ""}],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_form_that_is_not_as_specified_is_refused(known, changes):
    assert (await known.tool.ask(known.tool.form(**changes)))[0] == 400


async def test_one_scope_that_the_tool_may_not_have_refuses_the_whole_request(known):
    known.platform.office.tools[CLIENT].scopes = (AgsScope.SCORE,)
    assert (await known.tool.ask(known.tool.form(f"{AgsScope.SCORE} {AgsScope.RESULTS}")))[0] == 400
    known.platform.office.policy = "some"
    _, body = await known.tool.ask(known.tool.form(f"{AgsScope.SCORE} {AgsScope.RESULTS}"))
    assert json.loads(body)["scope"] == AgsScope.SCORE
    assert (await known.tool.ask(known.tool.form(AgsScope.RESULTS)))[0] == 400
    known.platform.office.policy = "any"
    _, body = await known.tool.ask(known.tool.form(AgsScope.RESULTS))
    assert json.loads(body)["scope"] == ""


async def test_its_own_clock_decides_about_times_and_is_in_every_date(known):
    known.platform.offset = -45
    assert (await known.tool.ask())[0] == 400, "issued 15 s in its future"
    assert known.platform.requests[0].decision == "early"
    _, _, reply = await known.tool.request("GET", known.platform.token_url)
    date = parsedate_to_datetime(reply.headers["Date"]).timestamp()
    assert time.time() - 50 < date <= time.time() - 44
