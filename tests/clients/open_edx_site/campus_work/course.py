"""
The course, this year's and that of the years before: two sections of two units, with three problems each.

Also read by the test, which has no Django.
"""

#: Of a problem, before its weight.
RAW = 1000.0
#: What the second problem of each unit is worth; the others are worth their raw points.
WEIGHT = 500.0
THIS_YEAR, BEFORE = "course-v1:Uni+Physics+2026", "course-v1:Uni+Physics+2025"
#: The learners of this year, but for those who come anew; those with greater ids were here before.
LEARNERS_NOW = 92
PROBLEMS = [f"p{number}" for number in range(12)]
UNITS = {f"u{number}": PROBLEMS[3 * number : 3 * number + 3] for number in range(4)}
#: What is above the units, from the top.
SECTIONS = {"c": PROBLEMS, "s0": PROBLEMS[:6], "s1": PROBLEMS[6:]}
#: What campuses have linked.
LINKED = [*SECTIONS, *UNITS, "p0", "p3", "p6"]
#: What was answered in the years before.
ANSWERED = ["p0", "p3", "p6", "p9"]


def usage_id(name: str, course_id: str) -> str:
    """The whole key of a block."""
    kind = {"c": "course", "s": "sequential", "u": "vertical", "p": "problem"}[name[0]]
    return f"block-v1:{course_id.partition(':')[2]}+type@{kind}+block@{name}"


def worth(problem: str) -> float:
    """The weighted points of a problem."""
    return WEIGHT if PROBLEMS.index(problem) % 3 == 1 else RAW


def problems_of(linked: str) -> list[str]:
    """Those whose points add up to a linked block's."""
    return (SECTIONS | UNITS).get(linked, [linked])


def grade(linked: str, raw: dict[str, float]) -> float | None:
    """Between 0 and 1, of a learner's raw points by problem; None where nothing was answered."""
    problems = problems_of(linked)
    if not any(problem in raw for problem in problems):
        return None
    return sum(raw.get(problem, 0.0) * worth(problem) / RAW for problem in problems) / sum(map(worth, problems))


def wire(score: float) -> str:
    """As the site writes it."""
    return f"{score:.6f}".rstrip("0").rstrip(".") or "0"
