"""What a visitor asks for, and how forms name groups."""

from itertools import combinations

import pytest
from lxml import html

from daemon.pages.access import RefusedError
from daemon.pages.filters import FilterField, filter_form, fingerprint, named_number
from tests.daemon.pages.conftest import HOSTILE


def test_groups_that_differ_in_anything_have_another_fingerprint():
    groups = [
        ("a", "b"),
        ("ab", ""),
        ("a", None),
        ("a", "None"),
        ("b", "a"),
        ("a", "b", None),
        (None, "a"),
        ("a", "\ud800"),
    ]
    assert all(fingerprint(*one) != fingerprint(*other) for one, other in combinations(groups, 2))
    assert fingerprint("a", None) == fingerprint("a", None)


@pytest.mark.parametrize("word", ["", "-1", "1.0", " 1", "1_0", "\u0661", "1" * 19, "x"])
def test_what_is_no_number_is_refused(word):
    with pytest.raises(RefusedError) as refused:
        named_number({"id": word}, "id")
    assert refused.value.status == 400
    with pytest.raises(RefusedError):
        named_number({}, "id")


def test_a_number_is_read():
    assert named_number({"id": "9" * 18}, "id") == 10**18 - 1


def test_a_form_shows_what_was_asked_and_leads_back_to_everything():
    fields = (FilterField("course", "Course", HOSTILE), FilterField("scope", "About", "b", ("a", "b")))
    form = str(filter_form("/parked", fields))
    assert "<script>" not in form
    assert '<option value="b" selected>b</option>' in form
    assert "Show all" in form
    assert "Show all" not in str(filter_form("/parked", (FilterField("course", "Course", None),)))


@pytest.mark.parametrize(("value", "chosen"), [(None, []), ("b", ["b"]), ("sco", ["sco"])])
def test_a_choice_shows_what_is_in_force(value, chosen):
    form = html.fromstring(str(filter_form("/quarantine", (FilterField("type", "Type", value, ("a", "b")),))))
    assert form.xpath("//option[@selected]/@value") == chosen
    assert form.xpath("//option/@value") == ["", "a", "b", *(["sco"] if value == "sco" else [])]
