"""Every page, and the looks in which each is shown: a new page is one more line here."""

from dataclasses import dataclass
from typing import Literal

from tests.browser.data import ENTRY_ID, MANY
from tests.browser.sites import LONG_NAMED, OPERATOR, SUPPORT

#: What axe looks for: what WCAG 2.2 AA asks for, with all that it took over.
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@dataclass(frozen=True)
class Shown:
    """A page, by its path. *who*: None for a stranger. *least*: assignments without which there is no such page."""

    path: str
    who: str | None = OPERATOR
    least: int = 0


@dataclass(frozen=True)
class Look:
    """*width*: in CSS pixels, of a telephone or a desk."""

    scheme: Literal["light", "dark"]
    width: int

    @property
    def height(self) -> int:
        return 740 if self.width < 500 else 900


LOOKS = {f"{scheme} {width}": Look(scheme, width) for scheme in ("light", "dark") for width in (360, 1440)}

COURSE = "course-v1%3AUniversity%2BPhysics50%2B2026_spring_term"
_ANOTHER = "course-v1%3AUniversity%2BPhysics1%2B2026_spring_term"
PAGES = {
    "log-in": Shown("/login", None),
    "overview": Shown("/"),
    "overview, by a long name": Shown("/", LONG_NAMED),
    "search": Shown("/learners", SUPPORT),
    "a learner": Shown("/learners?q=42"),
    "one of many learners": Shown("/learners?q=user-77"),
    "a course": Shown("/learners?q=physics"),
    "one of many courses": Shown(f"/learners?q={COURSE}"),
    "courses": Shown("/activities"),
    "a course of which all is parked, support": Shown(f"/activities?course={COURSE}", SUPPORT, least=MANY),
    "an activity's learners": Shown(f"/activities?course={_ANOTHER}&state=clean", least=MANY),
    "a stream entry": Shown(f"/learners?q={ENTRY_ID}&as=entry"),
    "assignment": Shown("/assignments/1", least=1),
    "assignment, support": Shown("/assignments/1", SUPPORT, least=1),
    "a parked assignment": Shown("/assignments/50", least=50),
    "a campus": Shown("/campuses/1", least=1),
    "a campus, support": Shown("/campuses/1", SUPPORT, least=1),
    "parked": Shown("/parked"),
    "quarantine": Shown("/quarantine"),
    "keys": Shown("/keys"),
    "actions": Shown("/actions"),
    "a refusal": Shown("/assignments/999999999", least=10**9),
}
