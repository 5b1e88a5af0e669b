"""One text for both databases."""

import pytest

from models.db.sql import Statement, is_postgres

pytestmark = pytest.mark.usefixtures("empty_database")

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
    assert await ECHO.rows(given=[], least=0, more="x") == []


async def test_a_statement_can_be_run_for_each_of_many_parameters():
    insert = Statement("INSERT INTO retired_user (digest, retired_us) VALUES (:digest, :retired_us)")
    await insert.each([{"retired_us": number, "digest": f"digest {number}"} for number in range(3)])
    rows = await Statement("SELECT digest, retired_us FROM retired_user ORDER BY retired_us").rows()
    assert [(row["digest"], row["retired_us"]) for row in rows] == [(f"digest {number}", number) for number in range(3)]


async def test_a_lock_is_of_the_rows_of_one_table_and_nothing_on_sqlite():
    locking = Statement("SELECT a.id AS id FROM score AS a JOIN score AS b ON b.id = a.id {for_update}")
    skipping = Statement("SELECT a.id AS id FROM score AS a JOIN score AS b ON b.id = a.id {lock_free:a}")
    assert locking._postgres.endswith("b.id = a.id FOR NO KEY UPDATE")
    assert skipping._postgres.endswith("b.id = a.id FOR NO KEY UPDATE OF a SKIP LOCKED")
    assert locking._sqlite == skipping._sqlite == "SELECT a.id AS id FROM score AS a JOIN score AS b ON b.id = a.id "
    assert await locking.rows() == await skipping.rows() == []


async def test_sqlite_may_have_a_text_of_its_own_with_the_same_parameters():
    statement = Statement(
        "SELECT id, :one AS one, 'postgres' AS engine FROM {given} WHERE id > :least",
        sqlite="SELECT id, 'sqlite' AS engine, :one AS one FROM {given} WHERE id > :least AND 1 = 1",
        given="id BIGINT",
    )
    expected = {"id": 2, "one": "x", "engine": "postgres" if is_postgres() else "sqlite"}
    assert await statement.rows(given=[{"id": 1}, {"id": 2}], least=1, one="x") == [expected]


async def test_what_follows_two_colons_is_no_parameter_and_one_parameter_may_be_named_twice():
    statement = Statement("SELECT CAST(:number AS BIGINT) + CAST(:number AS BIGINT) AS twice, 'a::b' AS colons")
    assert statement.names == ["number"]
    assert await statement.row(number=4) == {"twice": 8, "colons": "a::b"}


async def test_a_random_number_is_another_in_each_row_and_fits_a_positive_bigint():
    statement = Statement("SELECT {random} AS number FROM {given}", given="id BIGINT")
    numbers = [row["number"] for row in await statement.rows(given=[{"id": number} for number in range(200)])]
    assert len(set(numbers)) == 200
    assert all(1 <= number <= 2**62 for number in numbers)
    assert max(numbers).bit_length() > 50
