"""Reading course structures: their version, and every way in which their blocks can be bad."""

import json

import pytest

from daemon.ingest.events import CourseStructured
from tests.daemon.ingest.parsing import BLOCKS, ENTRY, STRUCTURE, read, reason


@pytest.mark.parametrize("entry_id", [ENTRY, f"{2**64 - 1}-{2**64 - 1}"])
def test_a_structure_has_no_time_unless_it_says_one(entry_id):
    event = read(STRUCTURE, entry_id)
    assert isinstance(event, CourseStructured)
    assert (event.course_id, event.version, event.modified_us) == ("c", 7, None)
    assert event.tree.blocks() == [("p", "unit", 2.0), ("root", None, None), ("unit", "root", None)]


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("-1", -1), ("9223372036854775807", 2**63 - 1)])
def test_versions_have_64_bits(text, value):
    assert read(STRUCTURE | {"version": text}).version == value


@pytest.mark.parametrize("text", ["1.0", " 1", "1_0", "٣", "one"])
def test_a_version_that_is_no_integer_is_named(text):
    assert reason(STRUCTURE | {"version": text}) == f"version is not an integer: {text!r}"


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**4_000])
def test_a_version_beyond_64_bits_is_named(number):
    assert reason(STRUCTURE | {"version": str(number)}).startswith("version does not fit 64 bits")


def test_blocks_may_take_8_mib_and_no_more():
    most = 8 * 1024 * 1024
    text = json.dumps(BLOCKS)
    assert read(STRUCTURE | {"blocks": text + " " * (most - len(text))}).version == 7
    assert reason(STRUCTURE | {"blocks": text + " " * (most - len(text) + 1)}) == f"blocks is larger than {most} bytes"


ROOT = {"usage_id": "root", "parent": None}


def block(**changes):
    return {"usage_id": "p", "parent": "root"} | changes


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ("[", "blocks is not JSON"),
        ("'root'", "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": NaN}]', "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": -Infinity}]', "blocks is not JSON"),
        ("[" * 100_000 + "]" * 100_000, "blocks is not JSON"),
        ('[{"usage_id": "root", "points_possible": ' + "9" * 5_000 + "}]", "blocks is not JSON"),
        ("{}", "blocks is not a JSON array"),
        (["root"], "blocks: a block is not an object"),
        ([{"parent": None}], "blocks: a block's usage_id is not a string of 1 to 255 characters"),
        ('[{"usage_id": "p", "points_possible": 1e999}]', "blocks: points_possible of 'p' is not a number"),
        ([], "blocks: there must be exactly one block without a parent, not 0"),
        ([ROOT, block(parent=None)], "blocks: there must be exactly one block without a parent, not 2"),
        ([ROOT, block(parent="nowhere")], "blocks: parent 'nowhere' is not among the blocks"),
        ([ROOT, block(), block()], "blocks: block 'p' comes twice"),
        ([ROOT, block(parent="p")], "blocks: the parents make a cycle"),
        ([ROOT, block(parent="q"), block(usage_id="q", parent="p")], "blocks: the parents make a cycle"),
    ],
)
def test_malformed_blocks_are_named(blocks, said):
    text = blocks if isinstance(blocks, str) else json.dumps(blocks)
    assert reason(STRUCTURE | {"blocks": text}).startswith(said)


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "usage_id",
            ["", 7, "x" * 256, "a\x00", "\ud800"],
            "a block's usage_id is not a string of 1 to 255 characters",
        ),
        ("parent", ["", 7, ["root"]], "the parent of 'p' is neither null nor a string"),
        ("points_possible", [-1, True, "2", 2e12, 10**400], "points_possible of 'p' is not a number from 0 to 1e+12"),
    ],
)
def test_a_bad_value_in_a_block_is_named(name, values, said):
    for value in values:
        text = json.dumps([ROOT, block(**{name: value})])
        assert reason(STRUCTURE | {"blocks": text}).startswith(f"blocks: {said}")


def test_a_tree_may_be_deep_enough_to_defeat_recursion():
    blocks = [ROOT, *({"usage_id": str(n), "parent": str(n - 1) if n else "root"} for n in range(3_000))]
    assert len(list(read(STRUCTURE | {"blocks": json.dumps(blocks)}).tree.below("root"))) == 3_001
