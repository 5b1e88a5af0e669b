"""One queue an assignment."""

from __future__ import annotations

import pytest
from actors.partition import queue_name, queue_names
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("partitions", "names"),
    [(1, ["outcomes.0"]), (4, ["outcomes.0", "outcomes.1", "outcomes.2", "outcomes.3"])],
)
def test_the_queues_are_numbered_from_zero(partitions, names):
    assert queue_names(partitions) == names


@pytest.mark.parametrize(("assignment_id", "name"), [(1, "outcomes.1"), (4, "outcomes.0"), (2**63 - 1, "outcomes.3")])
def test_the_rest_of_the_id_names_the_queue(assignment_id, name):
    assert queue_name(assignment_id, 4) == name


@given(st.integers(1, 2**63 - 1), st.integers(1, 64))
def test_every_assignment_has_one_of_the_queues_that_are_declared(assignment_id, partitions):
    assert queue_name(assignment_id, partitions) in queue_names(partitions)
