"""How the dispatcher divides free connections among campuses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.loops.dispatch import divide
from models.due import Capacity, Share


def capacity(campus_id, free=4, in_flight=0, *, slow=False, trips=None):
    return Capacity(campus_id, free, in_flight, slow, trips)


def shares(*campuses, free=200, free_for_slow=100):
    return {share.campus_id: share.number for share in divide(campuses, free=free, free_for_slow=free_for_slow)}


def test_each_campus_gets_its_free_slots_or_an_even_share_of_the_connections():
    assert shares(capacity(1), capacity(2, free=1), capacity(3, free=7)) == {1: 4, 2: 1, 3: 7}
    assert shares(capacity(1), capacity(2), capacity(3), free=6) == {1: 2, 2: 2, 3: 2}
    assert shares(capacity(1, free=1), capacity(2, free=9), capacity(3, free=9), free=9) == {1: 1, 2: 4, 3: 4}
    assert shares(capacity(1, in_flight=3), capacity(2, in_flight=1), capacity(3), free=3) == {2: 1, 3: 2}


@pytest.mark.parametrize(("trips", "newest"), [(None, False), (0, False), (1, True), (2, False), (3, True)], ids=str)
def test_each_second_probe_is_of_the_newest_assignment(trips, newest):
    assert divide([capacity(1, free=1, trips=trips)], free=9, free_for_slow=9) == [Share(1, 1, newest=newest)]


_CAPACITIES = st.lists(
    st.builds(
        Capacity,
        campus_id=st.integers(0, 1 << 40),
        free=st.integers(-2, 6),
        in_flight=st.integers(0, 6),
        slow=st.booleans(),
        trips=st.one_of(st.none(), st.integers(0, 9)),
    ),
    max_size=8,
    unique_by=lambda one: one.campus_id,
)


@settings(deadline=None)
@given(_CAPACITIES, st.integers(0, 20), st.integers(0, 20))
def test_shares_keep_every_limit_and_waste_no_connection(campuses, free, free_for_slow):
    got = shares(*campuses, free=free, free_for_slow=free_for_slow)
    assert all(0 < got[one.campus_id] <= one.free for one in campuses if one.campus_id in got)
    slow = sum(got.get(one.campus_id, 0) for one in campuses if one.slow)
    assert sum(got.values()) <= free
    assert slow <= free_for_slow
    wanted = sum(max(0, one.free) for one in campuses if not one.slow)
    wanted_slow = min(free_for_slow, sum(max(0, one.free) for one in campuses if one.slow))
    assert sum(got.values()) == min(free, wanted + wanted_slow)


@settings(deadline=None)
@given(_CAPACITIES, st.integers(0, 20))
def test_no_campus_is_ahead_of_one_that_could_have_had_more(campuses, free):
    got = shares(*campuses, free=free, free_for_slow=free)
    total = {one.campus_id: one.in_flight + got.get(one.campus_id, 0) for one in campuses}
    behind = [total[one.campus_id] for one in campuses if got.get(one.campus_id, 0) < one.free]
    ahead = [total[one.campus_id] for one in campuses if got.get(one.campus_id, 0)]
    if behind and ahead:
        assert max(ahead) <= min(behind) + 1
