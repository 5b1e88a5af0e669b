"""The URLs of the servers: accepted, or refused without being quoted."""

import pytest

from daemon.config import ConfigError, load


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://relative.db",
        "sqlite:///absolute.db",
        "postgres://host/passbackd",
        "postgresql://user:p%40ss@host:5432/passbackd?sslmode=verify-full",
        "postgresql:///passbackd?host=/run/postgresql",
    ],
)
def test_a_database_url_is_accepted(url):
    load(None, {"PASSBACKD_DATABASE__URL": url})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "should begin with sqlite:// or postgresql://"),
        ("mysql://user:SECRET@host/db", "should begin with sqlite:// or postgresql://"),
        ("postgresql+asyncpg://user:SECRET@host/db", "should begin with sqlite:// or postgresql://"),
        ("sqlite:relative.db", "should begin with sqlite://"),
        ("sqlite://", "names no file"),
        ("sqlite://:memory:", "nothing would outlive the daemon"),
        ("sqlite://x.db?mode=ro", "takes no options"),
        ("postgresql://user:SECRET@host", "names no database"),
        ("postgresql://user:SECRET@/db", "names no host"),
        ("postgresql://user:SECRET@host/db?sslmode=maybe", "unknown sslmode"),
        ("postgresql://user:SECRET@host/db?application_name=x", "unknown option application_name"),
        ("postgresql://user:SECRET@host:port/db", "cannot be read as scheme://"),
        ("postgresql://user:SEC/RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC#RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC?RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC[RET@host/db", "write %40 for @"),
        ("postgresql://user:SEC RET@host/db", "write %40 for @"),
    ],
)
def test_a_bad_database_url_is_refused_without_quoting_it(url, problem):
    with pytest.raises(ConfigError) as caught:
        load(None, {"PASSBACKD_DATABASE__URL": url})
    (fault,) = caught.value.faults
    assert problem in fault.problem
    assert "SEC" not in str(fault)
    assert "RET" not in str(fault)


@pytest.mark.parametrize("url", ["embedded", "redis://host", "rediss://user:pass@host:6380/2", "redis://:pass@host/0"])
def test_a_redis_url_is_accepted(url):
    load(None, {"PASSBACKD_REDIS__URL": url})


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("Embedded", 'should be "embedded"'),
        ("localhost:6379", 'should be "embedded" or begin with redis://'),
        ("redis://:SECRET", "cannot be read as scheme://"),
        ("redis://:SECRET@:6379", "names no host"),
        ("redis://:SECRET@host/name", "the number of a logical database"),
        ("redis://:SEC@RET@host/x/y", "the number of a logical database"),
    ],
)
def test_a_bad_redis_url_is_refused_without_quoting_it(url, problem):
    with pytest.raises(ConfigError) as caught:
        load(None, {"PASSBACKD_REDIS__URL": url})
    (fault,) = caught.value.faults
    assert problem in fault.problem
    assert "SEC" not in str(fault)
    assert "RET" not in str(fault)
