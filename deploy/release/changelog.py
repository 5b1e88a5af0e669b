"""
The changelog: what is wrong with its form, and the section of a release. Pure.

Spec: Keep a Changelog 1.1.0; and one heading more, "Upgrade": what an upgrade to the release needs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from deploy.release.versions import NUMBERS, numbers

UNRELEASED, UPGRADE = "Unreleased", "Upgrade"
#: What a section may hold, in this order.
HEADINGS = (UPGRADE, "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
_SECTION = re.compile(rf"## (?:\[Unreleased\]|\[({NUMBERS})\] - (\d{{4}}-\d\d-\d\d)(?: \[YANKED\])?)")
_LINK = re.compile(r"\[([^\]]+)\]: \S+")
_FENCE = re.compile(r"\s*(```|~~~)")


@dataclass(slots=True)
class Group:
    """What is below one heading of a section. *line*: that of the heading, from 1."""

    heading: str
    line: int
    text: str = ""


@dataclass(slots=True)
class Section:
    """
    A release, or what is not released. *line*: that of its heading, from 1; *day*: as it is written.

    *text* is the whole section with its heading, without white space at its end.
    """

    version: str
    day: str | None
    line: int
    text: str
    groups: list[Group] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether it has no more than a heading."""
        return "\n" not in self.text

    def has_upgrade_notes(self) -> bool:
        return any(group.heading == UPGRADE and group.text.strip() for group in self.groups)


class ChangelogError(ValueError):
    """The changelog cannot give what a release needs of it; the text says what to write."""


def sections(page: str) -> list[Section]:
    """Those of a page, in its order. What is in none is left out; a heading of no known form ends the one before it."""
    found: list[Section] = []
    current: Section | None = None
    for number, line, is_heading in _lines(page):
        if is_heading and not line.startswith("###"):
            named = _SECTION.fullmatch(line)
            current = Section(named[1] or UNRELEASED, named[2], number, line) if named else None
            found += [current] if current else []
        elif current and not _LINK.fullmatch(line):
            current.text += f"\n{line}"
            if is_heading and line.startswith("### "):
                current.groups.append(Group(line.removeprefix("### "), number))
            elif current.groups:
                current.groups[-1].text += f"{line}\n"
    for section in found:
        section.text = section.text.rstrip()
    return found


def releases(page: str) -> list[Section]:
    """The sections of releases, the first one of the page first."""
    return [section for section in sections(page) if section.day is not None]


def release_notes(page: str, version: str) -> str:
    """
    The section of a release, with its heading: the message of its tag.

    Raises:
        ChangelogError: it has none, or one that does not say what an upgrade needs.
    """
    for section in releases(page):
        if section.version == version:
            if not section.has_upgrade_notes():
                raise ChangelogError(f"the section of {version} has no '### {UPGRADE}' with what an upgrade needs")
            return section.text
    raise ChangelogError(f"no section '## [{version}] - YYYY-MM-DD'")


def with_release(page: str, version: str, day: date) -> str:
    """
    The page, with what was unreleased as the section of a release, below an empty "Unreleased".

    Raises:
        ChangelogError: there is nothing to release, or it does not say what an upgrade needs.
    """
    heading = f"## [{UNRELEASED}]"
    unreleased = next((section for section in sections(page) if section.version == UNRELEASED), None)
    if unreleased is None or unreleased.is_empty:
        raise ChangelogError(f"nothing to release below '{heading}'")
    if not unreleased.has_upgrade_notes():
        raise ChangelogError(f"'{heading}' has no '### {UPGRADE}' with what an upgrade needs; if nothing: 'Nothing.'")
    lines = page.split("\n")
    lines.insert(unreleased.line, f"\n## [{version}] - {day.isoformat()}")
    return "\n".join(lines)


def form_faults(page: str) -> Iterator[str]:
    """What is wrong with the form, each with its line."""
    lines = page.split("\n")
    if lines[0] != "# Changelog":
        yield "1: the first line is not '# Changelog'"
    for number, line, is_heading in _lines(page):
        if is_heading and number > 1 and not (_SECTION.fullmatch(line) or line.startswith("###")):
            yield f"{number}: {line!r} is neither '## [{UNRELEASED}]' nor as '## [1.2.3] - 2026-12-31'"
    found = sections(page)
    if [section.version for section in found[:1]] != [UNRELEASED]:
        yield f"{found[0].line if found else len(lines)}: the first section is not '## [{UNRELEASED}]'"
    yield from _order_faults(found)
    for section in found:
        yield from _section_faults(section)
    names = {section.version for section in found}
    for number, line, _ in _lines(page):
        if (link := _LINK.fullmatch(line)) and link[1] not in names:
            yield f"{number}: the link [{link[1]}] belongs to no section"


def version_order_faults(page: str, version: str, tags: list[str]) -> Iterator[str]:
    """
    Where the changelog contradicts the project's *version*, or the *tags* of releases before it.

    What is built of a version is one thing: once it is released, the next change belongs to another version.
    """
    found = releases(page)
    newest = found[0].version if found else None
    if newest is not None and numbers(version) < numbers(newest):
        yield f"the version is {version}, and {newest} is released"
    if newest == version and not sections(page)[0].is_empty:
        yield f"{version} is released, and there are changes since: `make version VERSION=...` sets the next one"
    for tag in tags:
        try:
            release_notes(page, tag.removeprefix("v"))
        except ChangelogError as error:
            yield f"the tag {tag}: {error}"


def _order_faults(found: list[Section]) -> Iterator[str]:
    for newer, older in pairwise(section for section in found if section.day is not None):
        if numbers(older.version) >= numbers(newer.version):
            yield f"{older.line}: {older.version} is below {newer.version}: the newest release is the first one"
        if (older.day or "") > (newer.day or ""):
            yield f"{older.line}: {older.version} is of a later day than {newer.version}"
    for section in found[1:]:
        if section.version == UNRELEASED:
            yield f"{section.line}: '## [{UNRELEASED}]' once more"


def _section_faults(section: Section) -> Iterator[str]:
    if section.day is not None:
        try:
            date.fromisoformat(section.day)
        except ValueError:
            yield f"{section.line}: there is no day {section.day}"
        if not section.has_upgrade_notes():
            yield f"{section.line}: {section.version} has no '### {UPGRADE}' with what an upgrade needs"
    known = [group for group in section.groups if group.heading in HEADINGS]
    for group in section.groups:
        if group not in known:
            yield f"{group.line}: '### {group.heading}' is none of {', '.join(HEADINGS)}"
        if not group.text.strip():
            yield f"{group.line}: nothing below '### {group.heading}'"
    for first, second in pairwise(known):
        if HEADINGS.index(second.heading) <= HEADINGS.index(first.heading):
            order = ", ".join(HEADINGS)
            yield f"{second.line}: '### {second.heading}' after '### {first.heading}': the order is {order}"


def _lines(page: str) -> Iterator[tuple[int, str, bool]]:
    """Each line with its number, and whether it is a heading; within a block of code none is."""
    in_code = False
    for number, line in enumerate(page.split("\n"), 1):
        if _FENCE.match(line):
            in_code = not in_code
        yield number, line, not in_code and re.match(r"#{1,3} ", line) is not None
