"""The URLs of the servers: accepted, or refused without being quoted."""

import re

import pytest

from daemon.config import ConfigError, load


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("DATABASE", "sqlite://relative.db"),
        ("DATABASE", "sqlite:///absolute.db"),
        ("DATABASE", "postgres://host/passbackd"),
        ("DATABASE", "postgresql://user:p%40ss@host:5432/passbackd?sslmode=verify-full"),
        ("DATABASE", "postgresql:///passbackd?host=/run/postgresql"),
        ("REDIS", "embedded"),
        ("REDIS", "redis://host"),
        ("REDIS", "rediss://user:pass@host:6380/2"),
        ("REDIS", "redis://:pass@host/0"),
    ],
)
def test_a_url_is_accepted(server, url):
    assert load(None, {f"PASSBACKD_{server}__URL": url})


def refused(server, url):
    with pytest.raises(ConfigError) as caught:
        load(None, {f"PASSBACKD_{server}__URL": url})
    (fault,) = caught.value.faults
    assert not re.search("SEC|RET", str(fault)), "no error quotes a URL"
    return fault.problem


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
    assert problem in refused("DATABASE", url)


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
    assert problem in refused("REDIS", url)
