"""The changelog has its form, each release in it says what an upgrade needs, and its section is taken as it is."""

from datetime import date

import pytest

from deploy.release.changelog import (
    ChangelogError,
    form_faults,
    release_notes,
    releases,
    version_order_faults,
    with_release,
)

RELEASE = """\
## [0.2.0] - 2026-12-02

### Upgrade

- Run `passbackd migrate` first:

```sh
# no heading
passbackd migrate
```

### Fixed

- A fault."""
PAGE = f"""\
# Changelog

The form is that of Keep a Changelog.

## [Unreleased]

### Upgrade

Nothing.

### Added

- A thing.

{RELEASE}

## [0.1.0] - 2026-12-01 [YANKED]

### Upgrade

The first release.

[0.2.0]: https://example.org/0.2.0
"""


def test_a_page_in_the_form_has_no_fault():
    assert list(form_faults(PAGE)) == []
    assert [(release.version, release.day) for release in releases(PAGE)] == [
        ("0.2.0", "2026-12-02"),
        ("0.1.0", "2026-12-01"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# Changelog\n", "# Changes\n", "1: the first line is not '# Changelog'"),
        ("## [Unreleased]", "## [unreleased]", "5: '## [unreleased]' is neither "),
        ("## [Unreleased]", "## Unreleased", "5: '## Unreleased' is neither "),
        ("## [Unreleased]", "## [0.3.0] - 2026-12-03", "5: the first section is not '## [Unreleased]'"),
        ("## [0.1.0] - 2026-12-01 [YANKED]", "## [Unreleased]", "30: '## [Unreleased]' once more"),
        ("## [0.2.0] - 2026-12-02", "## [0.2.0]", "15: '## [0.2.0]' is neither "),
        ("## [0.2.0] - 2026-12-02", "## [0.02.0] - 2026-12-02", "15: '## [0.02.0] - 2026-12-02' is neither "),
        ("## [0.2.0] - 2026-12-02", "## [0.2.0] - 2026-12-32", "15: there is no day 2026-12-32"),
        ("## [0.2.0] - 2026-12-02", "## [0.2.0] - 2026-11-30", "30: 0.1.0 is of a later day than 0.2.0"),
        ("## [0.1.0]", "## [0.10.0]", "30: 0.10.0 is below 0.2.0: the newest release is the first one"),
        ("## [0.1.0]", "## [0.2.0]", "30: 0.2.0 is below 0.2.0: the newest release is the first one"),
        ("### Fixed", "### Fixes", "26: '### Fixes' is none of Upgrade, Added, Changed, "),
        ("### Added", "### Upgrade", "11: '### Upgrade' after '### Upgrade': the order is Upgrade, "),
        ("### Upgrade\n\nNothing.\n\n### Added", "### Fixed\n\n- B.\n\n### Added", "11: '### Added' after '### Fixed'"),
        ("\n- A thing.\n", "", "11: nothing below '### Added'"),
        ("### Upgrade\n\nThe first release.", "- Words.", "30: 0.1.0 has no '### Upgrade' with what an upgrade needs"),
        ("[0.2.0]: ", "[0.3.0]: ", "36: the link [0.3.0] belongs to no section"),
    ],
)
def test_a_fault_of_the_form_is_named_with_its_line(old, new, fault):
    assert old in PAGE
    found = list(form_faults(PAGE.replace(old, new, 1)))
    assert any(said.startswith(fault) for said in found), found


def test_the_notes_of_a_release_are_its_section_and_nothing_else():
    assert release_notes(PAGE, "0.2.0") == RELEASE
    assert release_notes(PAGE, "0.1.0").endswith("\nThe first release.")
    with pytest.raises(ChangelogError, match=r"no section '## \[0.3.0\]"):
        release_notes(PAGE, "0.3.0")
    with pytest.raises(ChangelogError, match=r"0\.2\.0 has no '### Upgrade'"):
        release_notes(PAGE.replace("### Upgrade", "### Removed"), "0.2.0")


def test_what_is_unreleased_becomes_the_section_of_the_release():
    page = with_release(PAGE, "0.3.0", date(2026, 12, 31))
    assert page.replace("\n\n## [0.3.0] - 2026-12-31", "", 1) == PAGE
    assert list(form_faults(page)) == []
    assert release_notes(page, "0.3.0").splitlines()[:3] == ["## [0.3.0] - 2026-12-31", "", "### Upgrade"]
    with pytest.raises(ChangelogError, match="nothing to release"):
        with_release(page, "0.4.0", date(2026, 12, 31))
    with pytest.raises(ChangelogError, match="has no '### Upgrade'"):
        with_release(PAGE.replace("### Upgrade\n\nNothing.\n\n", ""), "0.3.0", date(2026, 12, 31))


def test_the_version_is_newer_than_the_releases_unless_nothing_has_changed_since():
    assert list(version_order_faults(PAGE, "0.3.0", [])) == []
    assert list(version_order_faults(PAGE, "0.1.9", [])) == ["the version is 0.1.9, and 0.2.0 is released"]
    (fault,) = version_order_faults(PAGE, "0.2.0", [])
    assert fault.startswith("0.2.0 is released, and there are changes since: ")
    released = PAGE.replace("### Upgrade\n\nNothing.\n\n### Added\n\n- A thing.\n\n", "")
    assert list(version_order_faults(released, "0.2.0", [])) == []


def test_each_tag_has_a_dated_section_with_what_an_upgrade_needs():
    assert list(version_order_faults(PAGE, "0.3.0", ["v0.1.0", "v0.2.0"])) == []
    (fault,) = version_order_faults(PAGE, "0.3.0", ["v0.1.0", "v0.1.1"])
    assert fault == "the tag v0.1.1: no section '## [0.1.1] - YYYY-MM-DD'"
