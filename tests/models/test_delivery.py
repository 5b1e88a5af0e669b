"""Which refusals count as unexplained: the rule for one record, and its count in the database, are one."""

import pytest

from models.delivery import DeliveryRecord, count_unexplained, is_unexplained, write_deliveries
from tests.models.rows import make_assignment

pytestmark = pytest.mark.usefixtures("empty_database")

#: Result, HTTP status, ``imsx_codeMajor``; and whether the reason is not known.
RECORDS = [
    ("retried", 200, "failure", True),
    ("retried", 400, "unsupported", True),
    ("retried", 408, "failure", False),
    ("retried", 425, "failure", False),
    ("retried", 429, "failure", False),
    ("retried", None, None, False),
    ("retried", 429, None, False),
    ("refused", 200, "failure", False),
    ("ambiguous", 500, "failure", False),
    ("ambiguous", 200, "processing", False),
    ("accepted", 200, "success", False),
]


@pytest.mark.parametrize(("result", "status", "code", "expected"), RECORDS)
async def test_a_refusal_counts_as_unexplained_to_people_and_to_senders_alike(result, status, code, expected):
    assignment = await make_assignment()
    record = DeliveryRecord(assignment, 1, 1, 1, 1, result, http_status=status, code_major=code)
    await write_deliveries([record])
    assert (is_unexplained(record), await count_unexplained(assignment)) == (expected, int(expected))


async def test_what_was_refused_before_the_last_acceptance_does_not_count():
    assignment = await make_assignment(sent_at=5)
    for token, at in enumerate((4, 5, 6)):
        record = DeliveryRecord(assignment, token, at, 1, 1, "retried", http_status=200, code_major="failure")
        await write_deliveries([record])
    assert await count_unexplained(assignment) == 1
