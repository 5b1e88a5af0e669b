"""The course as the platform has collected it."""

from opaque_keys.edx.keys import CourseKey, UsageKey
from openedx.core.djangoapps.content.block_structure.block_structure import BlockStructureBlockData

from campus_work.course import BEFORE, RAW, SECTIONS, THIS_YEAR, UNITS, WEIGHT, usage_id, worth

COURSE, OLD_COURSE = CourseKey.from_string(THIS_YEAR), CourseKey.from_string(BEFORE)


def key_of(name: str, course: CourseKey = COURSE) -> UsageKey:
    """Of a block."""
    return UsageKey.from_string(usage_id(name, str(course)))


def structure(course: CourseKey) -> BlockStructureBlockData:
    """Sections, their units and their problems."""
    made = BlockStructureBlockData(key_of("c", course))
    for section in ("s0", "s1"):
        made.add(key_of(section, course), key_of("c", course))
    for unit, problems in UNITS.items():
        section = "s0" if problems[0] in SECTIONS["s0"] else "s1"
        above = made.add(key_of(unit, course), key_of(section, course))
        for problem in problems:
            weight = WEIGHT if worth(problem) == WEIGHT else None
            grades = {"grades": {"max_score": RAW}}
            made.add(key_of(problem, course), above, has_score=True, weight=weight, transformers=grades)
    return made
