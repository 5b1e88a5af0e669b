"""The blocks of a course: how large and deep they may be, and every way in which they can be bad."""

import json

import pytest

from daemon.ingest.blocks import MAX_BLOCKS_BYTES, read_blocks
from daemon.ingest.events import BadEvent

ROOT = {"usage_id": "root", "parent": None}


def reason(text):
    with pytest.raises(BadEvent) as caught:
        read_blocks(text)
    return str(caught.value)


def test_blocks_may_take_8_mib_and_no_more():
    text = json.dumps([ROOT]).ljust(MAX_BLOCKS_BYTES)
    assert list(read_blocks(text).below("root")) == ["root"]
    assert reason(text + " ") == f"blocks is larger than {8 * 1024 * 1024} bytes"


def test_a_tree_may_be_deep_enough_to_defeat_recursion():
    blocks = [ROOT, *({"usage_id": str(n), "parent": str(n - 1) if n else "root"} for n in range(3_000))]
    assert len(list(read_blocks(json.dumps(blocks)).below("root"))) == 3_001


def block(**changes):
    return {"usage_id": "p", "parent": "root"} | changes


NO_ID = "blocks: a block's usage_id is not a string of 1 to 255 characters"
NO_PARENT = "blocks: the parent of 'p' is neither null nor a string"
NO_POINTS = "blocks: points_possible of 'p' is not a number from 0 to 1e+12"


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
        ([], "blocks: there must be exactly one block without a parent, not 0"),
        ([ROOT, block(parent=None)], "blocks: there must be exactly one block without a parent, not 2"),
        ([ROOT, block(parent="nowhere")], "blocks: parent 'nowhere' is not among the blocks"),
        ([ROOT, block(), block()], "blocks: block 'p' comes twice"),
        ([ROOT, block(parent="p")], "blocks: the parents make a cycle"),
        ([ROOT, block(parent="q"), block(usage_id="q", parent="p")], "blocks: the parents make a cycle"),
        ([{"parent": None}], NO_ID),
        *(([ROOT, block(usage_id=value)], NO_ID) for value in ("", 7, "x" * 256, "a\x00", "\ud800")),
        *(([ROOT, block(parent=value)], NO_PARENT) for value in ("", 7, ["root"])),
        *(([ROOT, block(points_possible=value)], NO_POINTS) for value in (-1, True, "2", 2e12, 10**400)),
        ('[{"usage_id": "p", "points_possible": 1e999}]', NO_POINTS),
    ],
)
def test_malformed_blocks_are_named(blocks, said):
    assert reason(blocks if isinstance(blocks, str) else json.dumps(blocks)).startswith(said)
