"""Events that come again and again, in any order: what happened last counts."""

import random

import pytest

pytestmark = pytest.mark.timeout(120)


def test_events_that_come_three_times_in_random_order_leave_the_newest_grades(setup):
    setup.tool.says_modified = True
    setup.daemon()
    events = [*setup.tool.beginning(), *setup.tool.changes(150)] * 3
    random.Random(1).shuffle(events)
    for at in range(0, len(events), 50):
        setup.tool.say(*events[at : at + 50])
        # Sent in between too, so that older ones come after newer ones were sent.
        if setup.campus.gradebook:
            setup.more_come(1)
    setup.check(strange=True)
