"""How often passwords may be tried from one address."""

import pytest

from daemon.pages.login_limit import FAILURES, MAX_ADDRESSES, SECONDS_EACH, LoginLimit, source


class Seconds:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def seconds():
    return Seconds()


@pytest.fixture
def limit(seconds):
    return LoginLimit(seconds)


def fail(limit, times, address="a"):
    for _ in range(times):
        assert limit.seconds_to_wait(address) == 0
        limit.failed(address)


def test_so_many_failures_are_free_and_then_one_comes_back_at_a_time(limit, seconds):
    fail(limit, FAILURES)
    assert limit.seconds_to_wait("a") == SECONDS_EACH
    seconds.now += SECONDS_EACH
    fail(limit, 1)
    assert limit.seconds_to_wait("a") == SECONDS_EACH
    assert limit.seconds_to_wait("b") == 0


def test_after_a_while_all_are_free_again(limit, seconds):
    fail(limit, FAILURES)
    seconds.now += FAILURES * SECONDS_EACH
    fail(limit, FAILURES)


def test_a_failure_that_was_none_is_taken_back(limit, seconds):
    fail(limit, FAILURES)
    limit.withdraw_failure("a")
    fail(limit, 1)
    assert limit.seconds_to_wait("a") == SECONDS_EACH
    limit.withdraw_failure("b")
    fail(limit, FAILURES, "b")


def test_no_more_addresses_are_remembered_than_there_is_room_for_and_those_that_failed_last(limit):
    for number in range(MAX_ADDRESSES):
        limit.failed(str(number))
    fail(limit, FAILURES - 1, "0")
    limit.failed("another")
    assert limit.seconds_to_wait("0") > 0, "1 has failed longest ago"
    assert len(limit._empty_at) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("remote", "one"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        (None, ""),
        ("unix", ""),
    ],
)
def test_an_address_of_ipv6_counts_as_its_network(remote, one):
    assert source(remote) == one
