"""Timestamps of LTI 1.3: one for each version, in whole seconds, each later than the one before, and none made up."""

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from models.campus import Campus
from models.changes import Change, change
from models.claims import claim
from tests.models.claiming import DEBOUNCE, campuses_answered, ended, lease
from tests.models.rows import make_assignment, read_row
from tests.models.state_machine_runner import Runner

START = 1_700_000_000_000
#: When a change was scored, milliseconds from now; None: it does not say.
SCORED = st.sampled_from([None, -3_600_000, -1_500, -999, 0, 500, 3_600_000])
OFFSET = st.sampled_from([0, 45, -45])
#: Seconds from what the row has.
LIFT = st.sampled_from([-60, 0, 2, 4_096])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("changed"), SCORED),
        st.tuples(st.just("changed"), SCORED),
        st.tuples(st.just("later"), st.sampled_from([1, 400, 2_000])),
        st.tuples(st.just("another clock"), OFFSET),
        st.tuples(st.sampled_from(["accepted", "overtaken", "in_doubt", "released"]), LIFT),
        st.tuples(st.sampled_from(["accepted", "overtaken", "in_doubt", "released"]), LIFT),
    ),
    max_size=14,
)


async def check(steps):
    now = START
    one = await make_assignment(version_number=0)
    await campuses_answered(clock_offset=0)
    expected, by_version, scored, offset = 0, {}, 0, 0
    for what, value in steps:
        if what == "later":
            now += value
        elif what == "another clock":
            offset = value
            await Campus.all().update(clock_offset=offset)
        elif what == "changed":
            scored = now if value is None else min(now, now + value)
            scored_at = None if value is None else now + value
            await change([Change(one, "leaf", scored_at=scored_at)], now=now, debounce=DEBOUNCE)
        else:
            for of in await claim([one], lease(now), most=1):
                if of.version not in by_version:
                    before, expected = expected, max(expected + 1, scored // 1000 + offset)
                    assert before < expected <= max(before + 1, now // 1000 + offset)
                by_version.setdefault(of.version, expected)
                assert of.stamp == expected
                lift = of.stamp + value if what in ("accepted", "overtaken") else 0
                await ended(of, what, now=now, score="1", stamp_from=lift)
                expected = max(expected, lift)
                assert (await read_row(one))["stamp"] == expected


def test_each_version_has_a_later_timestamp_and_a_repeat_that_of_its_version_unless_an_answer_has_lifted_it(shared_url):
    with Runner(shared_url) as runner:

        @seed(1)
        @settings(max_examples=50, deadline=None, database=None, print_blob=False)
        @given(STEPS)
        def holds(steps):
            runner.run(check(steps))

        runner.run(runner.clear())
        holds()
