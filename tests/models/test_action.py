"""Reading what was done, a page at a time."""

import pytest

from models.action import MAX_LOOKED_THROUGH, Action, action_page, actions, record_action

pytestmark = pytest.mark.usefixtures("empty_database")


async def done(*accounts):
    for number, account in enumerate(accounts):
        await record_action("resend", {"user": "ada"}, {"marked": number}, account=account, host="here", now=number)


async def every_page(**asked):
    """All rows, page after page, and how many each page has."""
    rows, sizes, before = [], [], None
    while True:
        page = await action_page(before=before, **asked)
        rows += page.rows
        sizes.append(len(page.rows))
        if page.older is None:
            return rows, sizes
        before = page.older


async def test_pages_have_what_all_actions_have_the_newest_first():
    await done("anna", "ben", "anna", "carl", "anna")
    rows, sizes = await every_page(most=2)
    assert rows == await actions()
    assert sizes == [2, 2, 1]
    assert [row["counts"]["marked"] for row in rows] == [4, 3, 2, 1, 0]
    assert rows[0]["selection"] == {"user": "ada"}


async def test_a_page_that_is_just_full_leads_to_no_other():
    await done("anna", "ben")
    assert (await action_page(most=2)).older is None
    assert (await action_page(most=1)).older is not None


async def test_those_of_one_account_are_found_by_a_part_of_it():
    await done("anna", "ben", "anna", "anna (web)", "anna")
    rows, sizes = await every_page(account="anna", most=2)
    assert [row["counts"]["marked"] for row in rows] == [4, 3, 2, 0]
    assert sizes == [2, 2]
    assert len((await action_page(account="anna (web)", most=2)).rows) == 1
    assert (await action_page(account="eve", most=2)).rows == []


async def test_a_rare_account_is_looked_for_among_so_many_at_once():
    await done("rare")
    like = await Action.get()
    copies = [like.clone(pk=None) for _ in range(MAX_LOOKED_THROUGH + 5)]
    for copy in copies:
        copy.account = "anna"
    await Action.bulk_create(copies)
    first = await action_page(account="rare", most=5)
    assert (first.rows, first.older is None) == ([], False)
    rows, sizes = await every_page(account="rare", most=5)
    assert ([row["account"] for row in rows], sizes) == (["rare"], [0, 1])
