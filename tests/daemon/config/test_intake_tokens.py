"""Tokens of the HTTP intake: how they are written, and what is wrong with one."""

import pytest

from daemon.config import ConfigError, effective, load
from daemon.config.intake_tokens import IntakeToken, matching
from tests.daemon.config.files import written

TOKEN, OTHER = "0123456789abcdef01234567", "fedcba9876543210fedcba98"


def test_a_token_has_its_limits_behind_it():
    found = IntakeToken.parse(f"  {TOKEN} type=score.changed type=launch consumer=north%20key consumer=south ")
    assert found == IntakeToken(TOKEN, frozenset({"score.changed", "launch"}), frozenset({"north key", "south"}))
    assert IntakeToken.parse(TOKEN) == IntakeToken(TOKEN, None, None)
    for_one = IntakeToken.parse(f"{TOKEN} consumer=south")
    assert for_one.types == {"launch", "assignment.disabled"}, "the others name no consumer"
    assert TOKEN not in repr(found)


def test_each_token_matches_itself_alone():
    tokens = [IntakeToken(TOKEN), IntakeToken(OTHER)]
    assert [matching(tokens, given) for given in (TOKEN, OTHER)] == tokens
    assert [matching(tokens, given) for given in ("", TOKEN[:-1], f"{TOKEN}x", "ü", "\ud83d")] == [None] * 5


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["short"], "a token of 5 characters; 24 are the fewest"),
        ([f"{TOKEN}ü"], "other characters than ASCII's"),
        ([f"{TOKEN} scores"], "neither type= nor consumer="),
        ([f"{TOKEN} type="], "neither type= nor consumer="),
        ([f"{TOKEN} type=score"], "the unknown type 'score'; known: score.changed"),
        ([f"{TOKEN} type=unknown"], "the unknown type 'unknown'"),
        ([TOKEN, f"{TOKEN} type=launch"], "holds a token twice"),
        ([""], "holds an empty token"),
        ([], "is empty, so that intake.port would refuse everything"),
    ],
)
def test_what_is_wrong_with_a_token_is_said_without_it(tmp_path, tokens, said):
    text = f"[intake]\nport = 9000\ntokens = {tokens!r}".replace("'", '"')
    with pytest.raises(ConfigError) as refused:
        load(written(tmp_path, text), {})
    (fault,) = refused.value.faults
    assert fault.key == "intake.tokens"
    assert said in str(fault)
    shown, _ = effective(written(tmp_path, text), {})
    for token in filter(None, tokens):
        assert token not in str(fault)
        assert token not in shown


def test_they_may_be_a_credential_one_a_line(tmp_path):
    (tmp_path / "intake.tokens").write_text(f"{TOKEN} type=launch\n{OTHER}\n")
    config = load(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, cwd=tmp_path)
    assert config.intake.allowed == [IntakeToken(TOKEN, types=frozenset({"launch"})), IntakeToken(OTHER)]
    shown, _ = effective(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)}, cwd=tmp_path)
    assert TOKEN not in shown
