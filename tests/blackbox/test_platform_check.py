"""`platform check` and `check --deep` prove the set-up of an LTI 1.3 platform by a token, and send no grade."""

import pytest
from joserfc.jwk import RSAKey

from tests.blackbox.world import KEY
from tests.fakes.platform import RecordingPlatform

CLIENT = "client-7"


@pytest.fixture
def platform():
    with RecordingPlatform.in_thread() as platform:
        yield platform
    assert {one.operation for one in platform.requests} <= {"token"}, "no grade is sent"


@pytest.fixture
def world(pair, platform):
    """A platform that knows the tool by its key."""
    said = pair.call(
        *("platform", "add", "Sample", "--issuer", platform.issuer, "--token-url", platform.token_url),
        *("--client-id", CLIENT),
    )
    assert said.code == 0, said.err
    platform.register(CLIENT, pem=pair.call("keys", "export", kid(pair), "--pem").out)
    return pair


def kid(world) -> str:
    return world.rows("SELECT kid FROM tool_key WHERE withdrawn_at IS NULL")[0]["kid"]


def test_a_token_proves_the_set_up_and_the_key_that_was_accepted_is_on_record(world, platform):
    said = world.call("platform", "check", CLIENT)
    assert (said.code, said.out) == (0, "Sample: its token server gives access tokens for scores\n"), said.err
    assert kid(world) in next(line for line in world.call("keys", "list").out.splitlines() if "Sample" in line)
    assert "Sample: its token server gives access tokens for scores" in world.call("check", "--deep").out
    assert platform.faults == []


def test_what_the_platform_refuses_is_shown_with_what_to_correct(world, platform):
    platform.register(CLIENT, pem=_another_key())
    for call, code in ((("platform", "check", CLIENT), 1), (("check", "--deep"), None)):
        said = world.call(*call)
        assert said.code == code or code is None
        (line,) = [line for line in said.faults if line.startswith("Sample: ")]
        assert "no access token" in line
        assert "key set" in line
        assert "docs/platforms.md" in line


def test_where_egress_lets_nothing_out_only_its_setting_is_to_be_corrected(world, platform):
    world.set("egress", allow_http=False)
    said = world.call("platform", "check", CLIENT)
    assert (said.code, "plain http is not allowed" in said.err, "egress.allow_http" in said.err) == (1, True, True)
    assert said.err.endswith("; nothing was sent to its token server: docs/platforms.md\n"), said.err
    assert platform.requests == []


def _another_key() -> str:
    return RSAKey.generate_key(2048).as_pem(private=False).decode()


def test_without_a_key_or_for_another_version_of_lti_the_command_says_so(world):
    world.add_consumer()
    said = world.call("platform", "check", KEY)
    assert (said.code, "speaks LTI 1.1" in said.err) == (1, True)
    assert world.call("platform", "check", "unknown").code == 1
    assert world.call("keys", "withdraw", kid(world), "--yes").code == 0
    said = world.call("platform", "check", CLIENT)
    assert (said.code, "no key that may sign" in said.err) == (1, True)


def test_a_token_server_that_does_not_answer_is_to_be_tried_again(pair):
    away = ("--issuer", "https://lms.example", "--token-url", "http://127.0.0.1:1/token", "--client-id", CLIENT)
    assert pair.call("platform", "add", "Away", *away).code == 0
    for call in (("platform", "check", CLIENT), ("check", "--deep")):
        (line,) = [line for line in pair.call(*call).faults if line.startswith("Away: ")]
        assert "try again later" in line
