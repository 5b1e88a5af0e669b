"""One text for both databases."""

from __future__ import annotations

import pytest

from models.db.sql import Statement

pytestmark = pytest.mark.usefixtures("database")

ECHO = Statement(
    "SELECT number, word, flag, :more AS more FROM {given} WHERE number > :least ORDER BY number",
    given="number BIGINT, word VARCHAR, flag BOOLEAN",
)


async def test_given_rows_are_a_table_beside_other_parameters():
    given = [
        {"number": 2**63 - 1, "word": "ö \U0001f600 \" ' \\ \u2028", "flag": True},
        {"number": 1, "word": None, "flag": False},
        {"number": -5, "word": "too small", "flag": None},
    ]
    rows = await ECHO.rows(given=given, least=0, more="x")
    assert [(row["number"], row["word"], row["more"]) for row in rows] == [
        (1, None, "x"),
        (2**63 - 1, given[0]["word"], "x"),
    ]
    assert [bool(row["flag"]) for row in rows] == [False, True]


async def test_no_given_rows_are_an_empty_table():
    assert await ECHO.rows(given=[], least=0, more="x") == []


async def test_a_statement_can_be_run_for_each_of_many_parameters():
    insert = Statement("INSERT INTO retired_user (digest, retired_us) VALUES (:digest, :retired_us)")
    await insert.each([{"retired_us": number, "digest": f"digest {number}"} for number in range(3)])
    rows = await Statement("SELECT digest, retired_us FROM retired_user ORDER BY retired_us").rows()
    assert [(row["digest"], row["retired_us"]) for row in rows] == [(f"digest {number}", number) for number in range(3)]
