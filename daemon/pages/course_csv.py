"""All grades of a course or an activity as a table for spreadsheets (RFC 4180), however many there are."""

import csv
import io
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

from daemon.infra.text import iso, printable
from daemon.pages.access import RefusedError
from daemon.pages.course_filter import named_course
from daemon.pages.course_rows import row_words
from daemon.pages.download import Download, check_breaks_off
from daemon.pages.site import Visit
from models.db.sql import CHUNK
from models.queries.course_grades import CourseGrade, read_accepted, read_course_grades
from models.queries.filter import AssignmentFilter

HEADINGS = (
    "assignment", "learner", "learner at the campus", "course", "activity", "campus", "campus key", "state", "score",
    "per cent", "acknowledged", "who has to act", "reason",
)  # fmt: skip
# What a spreadsheet takes for a formula (OWASP, CSV Injection), with the forms of other scripts: at the start of a
# cell, and behind what separates cells in other countries.
_SIGN = r"[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
_FORMULA = re.compile(rf"^(?=[\t\r\n]|{_SIGN})|(?<=[;\t|])(?={_SIGN})")


async def download_grades(visit: Visit) -> Download:
    """``/activities.csv?course=ID&usage=ID&state=STATE&consumer=KEY``: times are in UTC."""
    check_breaks_off(visit.request)
    asked = named_course(visit.request.query)
    wanted = await asked.filter()
    whole = AssignmentFilter(course_id=asked.course, usage_id=asked.usage)
    if not await read_course_grades(whole, after=None, now=visit.now, most=1):
        raise RefusedError(404, "No one has a grade in this course or activity. Look whether it is called so.")
    return Download(
        "passbackd-grades.csv", "text/csv; charset=utf-8; header=present", csv_chunks(wanted, lambda: visit.now)
    )


async def csv_chunks(wanted: AssignmentFilter, now: Callable[[], int]) -> AsyncGenerator[bytes, None]:
    """
    The file, a chunk of rows at a time: each is read when it is wanted, and no transaction is open meanwhile.

    Args:
        now: The database's clock, milliseconds since 1970.
    """
    rows: list[Sequence[object]] = [HEADINGS]
    grades = await read_course_grades(wanted, after=None, now=now(), most=CHUNK)
    while grades:
        accepted = await read_accepted(grades)
        yield csv_text([*rows, *(_row(grade, accepted) for grade in grades)])
        rows = []
        grades = await read_course_grades(wanted, after=grades[-1].place, now=now(), most=CHUNK)
    if rows:
        yield csv_text(rows)


def _row(grade: CourseGrade, accepted: Mapping[int, int]) -> Sequence[object]:
    words = row_words(grade, accepted)
    return (
        grade.id,
        grade.user_id,
        grade.lti_user_id,
        grade.course_id,
        grade.usage_id,
        grade.consumer,
        grade.consumer_key,
        grade.state,
        grade.sent_score,
        words.percent,
        iso(grade.sent_at),
        words.who,
        words.reason,
    )


def csv_text(rows: Sequence[Sequence[object]]) -> bytes:
    """Rows in UTF-8. Pure."""
    file = io.StringIO()
    csv.writer(file).writerows([harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return file.getvalue().encode()


def harmless(cell: str) -> str:
    """A text that no spreadsheet takes for a formula, nor a terminal for a command. Pure."""
    return printable(_FORMULA.sub("'", cell))
