"""A course, its problems, and what is stored of the assignments in it."""

from models.assignment import GradedAssignment
from models.changes import Debounce
from models.claims import Lease

#: Milliseconds: of the database's clock and of the entries.
NOW = 1_767_268_800_000
DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
LEASE = Lease(now=NOW, began=0.0, ms=35_000, second_ms=10_000, max_per_campus=4)
CLEAN = {"version_number": 3, "sent_version": 3, "due_at": NOW - 9_000, "pending_since": None}

#: chapter > vertical > unit, as in the examples of the field, and another vertical beside it.
COURSE = {"course": None, "chapter": "course", "vertical": "chapter", "unit": "vertical", "side": "chapter"}
PROBLEMS = {"unit": 2, "other": 5}


async def versions():
    return dict(await GradedAssignment.all().values_list("id", "version_number"))


async def row(assignment_id):
    return await GradedAssignment.get(id=assignment_id)
