"""A minute and a half of chaos on real processes and servers; ``python -m tests.chaos`` does it for longer."""

import pytest

from tests.chaos.round import play_round


# Healing takes a minute at most, and starting and stopping everything some seconds.
@pytest.mark.parametrize(("kind", "seed", "seconds"), [("postgresql", "1", 40.0), ("sqlite", "2", 30.0)])
def test_after_a_time_of_chaos_each_campus_holds_the_newest_score_of_each_learner(kind, seed, seconds):
    outcome = play_round(kind, seed, seconds)
    assert not outcome.faults, "\n\n".join([*outcome.faults, str(outcome)])
    assert outcome.compared > 0
