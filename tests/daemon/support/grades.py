"""Grades that a campus has acknowledged, and what it holds."""

from actors.comparison import COMPARISONS
from models.queries.filter import AssignmentFilter
from tests.models.rows import make_assignment

ALL = AssignmentFilter()
#: What the campus acknowledged last, and before that.
NEW, OLD = "0.5", "0.25"
CLEAN = {"version_number": 2, "sent_version": 2, "sent_score": NEW, "sent_at": 1, "due_at": 1}

NONE = dict.fromkeys(COMPARISONS, 0)
#: Sourcedid to what the campus holds: as it should be; lost; an old one restored; a teacher's own; nonsense.
HELD = {"equal": NEW, "empty": None, "outdated": OLD, "modified": "0.9", "unreadable": "A+"}


async def acknowledged(campus, number):
    return [await make_assignment(campus, **CLEAN, lis_result_sourcedid=f"s{n}") for n in range(number)]
