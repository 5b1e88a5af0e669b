"""Plain text between machines and a Redis without a password are named."""

import pytest

from daemon.check.trust import check_trust
from daemon.config import Config
from daemon.config.sections import DatabaseSection, IntakeSection, RedisSection

DATABASE, REDIS = "sqlite://passbackd.db", "embedded"


def warnings(*, database=DATABASE, redis=REDIS):
    found = check_trust(Config(database=DatabaseSection(url=database), redis=RedisSection(url=redis)))
    assert "any program that can XADD to it can set every learner's grades" in found[0].line()
    return [finding.line() for finding in found if finding.severity == "warning"]


@pytest.mark.parametrize(
    ("redis", "words"),
    [
        (REDIS, []),
        ("redis://:secret@127.0.0.1:6379/0", []),
        ("redis://:secret@[::1]:6379/0", []),
        ("rediss://:secret@redis.example:6379/0", []),
        ("redis://:secret@redis.example:6379/0", ["connection to redis.example may be in plain text"]),
        ("redis://:secret@10.0.0.7", ["connection to 10.0.0.7 may be in plain text"]),
        ("redis://localhost:6379/0", ["names no password"]),
        ("redis://redis.example", ["plain text", "names no password"]),
    ],
)
def test_a_redis_that_others_can_reach_is_named(redis, words):
    found = warnings(redis=redis)
    assert len(found) == len(words)
    assert all(part in line for part, line in zip(words, found, strict=True))
    assert "secret" not in "".join(found)


@pytest.mark.parametrize(
    ("database", "plain"),
    [
        ("postgresql://u:secret@localhost/p", False),
        ("postgresql://u:secret@127.0.0.1/p", False),
        ("postgresql:///p?host=/run/postgresql", False),
        ("postgresql://u:secret@db.example/p?sslmode=verify-full", False),
        ("postgresql://u:secret@db.example/p", True),
        ("postgresql://u:secret@db.example/p?sslmode=prefer", True),
        ("postgresql:///p?host=db.example", True),
    ],
)
def test_a_database_that_is_reached_in_plain_text_is_named(database, plain):
    found = warnings(database=database)
    assert len(found) == plain
    assert "secret" not in "".join(found)


@pytest.mark.parametrize(
    ("host", "remote"), [("127.0.0.1", False), ("::1", False), ("0.0.0.0", True), ("10.0.0.7", True)]
)
def test_an_http_intake_that_other_machines_reach_is_named_and_how_many_tokens_may_do_everything(host, remote):
    limited, unlimited = "limited-" + "a" * 24 + " type=score.changed", "unlimited-" + "b" * 24
    found = check_trust(Config(intake=IntakeSection(host=host, port=9000, tokens=(limited, unlimited))))
    lines = [finding.line() for finding in found if finding.about.startswith("intake")]
    assert lines[0] == "intake.tokens: 2 tokens, of which 1 may set every grade"
    assert ["in plain HTTP" in line for line in lines[1:]] == [True] * remote
    assert "aaaa" not in "".join(lines)
    assert not [one for one in check_trust(Config()) if one.about.startswith("intake")], "it is off"
