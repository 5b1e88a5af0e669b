"""The course tree: what is a tree, what lies on which path, and what a change of structure touches."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.course_tree import Tree, canonical, packed, touched_between

# a(b(d(h 2, i 3), e(j 1, k, l 3), f(m)), c(g(n 10)))
BLOCKS = [
    ("a", None, None),
    *[("b", "a", None), ("c", "a", None)],
    *[("d", "b", None), ("e", "b", None), ("f", "b", None), ("g", "c", None)],
    *[("h", "d", 2.0), ("i", "d", 3.0), ("j", "e", 1.0), ("k", "e", None), ("l", "e", 3.0)],
    *[("m", "f", None), ("n", "g", 10.0)],
]
TREE = Tree(BLOCKS)


def changed(*changes, without=()):
    """The tree with other or new blocks in it, and without some."""
    blocks = {block[0]: block for block in (*BLOCKS, *changes)}
    return Tree(block for usage_id, block in blocks.items() if usage_id not in without)


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([], "exactly one block without a parent, not 0"),
        ([("a", None, None), ("b", None, None)], "exactly one block without a parent, not 2"),
        ([("a", "b", None), ("b", "a", None)], "exactly one block without a parent, not 0"),
        ([("a", None, None), ("a", None, None)], "block 'a' comes twice"),
        ([("a", None, None), ("b", "x", None)], "parent 'x' is not among the blocks"),
        ([("a", None, None), ("b", "b", None)], "cycle"),
        ([("a", None, None), ("b", "c", None), ("c", "b", None)], "cycle"),
    ],
)
def test_what_is_no_tree_is_refused(blocks, error):
    with pytest.raises(ValueError, match=error):
        Tree(blocks)


def test_blocks_may_come_in_any_order():
    assert Tree(reversed(BLOCKS)).blocks() == TREE.blocks() == sorted(BLOCKS)
    assert canonical(Tree(reversed(BLOCKS))) == canonical(TREE)


@pytest.mark.parametrize(
    ("usage_id", "path"), [("h", ("h", "d", "b", "a")), ("g", ("g", "c", "a")), ("a", ("a",)), ("x", ())]
)
def test_the_path_goes_from_the_block_up_to_the_course(usage_id, path):
    assert TREE.path(usage_id) == path


@pytest.mark.parametrize(
    ("usage_id", "below"), [("e", "ejkl"), ("b", "bdefhijklm"), ("c", "cgn"), ("h", "h"), ("a", "abcdefghijklmn")]
)
def test_below_a_block_are_itself_and_its_descendants(usage_id, below):
    assert sorted(TREE.below(usage_id)) == list(below)


def test_a_block_is_known_with_its_children_and_points():
    assert "k" in TREE
    assert "x" not in TREE
    assert (TREE.has_children("f"), TREE.has_children("m"), TREE.has_children("x")) == (True, False, False)
    assert TREE.possible == {"h": 2.0, "i": 3.0, "j": 1.0, "l": 3.0, "n": 10.0}


# --- What a change touches ---


@pytest.mark.parametrize(
    ("new", "touched"),
    [
        pytest.param(Tree(reversed(BLOCKS)), "", id="the same tree"),
        pytest.param(Tree([("a", None, 1.0)]), "abcdefghijklmn", id="one block alone"),
        pytest.param(changed(("h", "g", 2.0)), "hdbagc", id="a moved problem: its old and its new path"),
        pytest.param(changed(("h", "e", 2.0)), "hdbae", id="a problem moved to a sibling"),
        pytest.param(changed(("h", "d", 4.0)), "hdba", id="other points"),
        pytest.param(changed(("h", "d", None)), "hdba", id="no longer a scored problem"),
        pytest.param(changed(("k", "e", 1.0)), "keba", id="now a scored problem"),
        pytest.param(changed(("o", "f", 1.0)), "ofba", id="an added problem"),
        pytest.param(changed(("o", "f", None)), "ofba", id="an added block without points"),
        pytest.param(changed(without="n"), "ngca", id="a removed problem"),
        pytest.param(changed(without="cgn"), "cgna", id="a removed branch"),
        pytest.param(changed(("d", "c", None)), "dhibac", id="a moved intermediate block takes its problems along"),
        pytest.param(changed(("o", "a", None), ("b", "o", None)), "oabdefhijklm", id="a block put between"),
    ],
)
def test_a_change_touches_what_lies_on_the_old_or_the_new_path(new, touched):
    assert touched_between(TREE, new) == set(touched)
    assert (canonical(new)[1] != canonical(TREE)[1]) is bool(touched), "its digest changes too"


@given(st.dictionaries(st.text(max_size=5), st.none() | st.floats(0, 1e12) | st.integers(0, 10**12), max_size=8))
def test_a_tree_is_unpacked_as_it_was_packed(problems):
    tree = Tree([("\0root", None, None), *((f"p{usage_id}", "\0root", most) for usage_id, most in problems.items())])
    again = Tree.unpacked(packed(tree))
    assert again.blocks() == tree.blocks()
    assert canonical(again) == canonical(tree)
    assert (set(again.below("\0root")), again.possible) == (set(tree.below("\0root")), tree.possible)


def test_the_first_tree_and_another_root_touch_everything():
    assert touched_between(None, TREE) == set("abcdefghijklmn")
    other = Tree([("z", None, None), *((usage_id, parent or "z", points) for usage_id, parent, points in BLOCKS)])
    assert touched_between(TREE, other) == set("zabcdefghijklmn")


class Counted(str):
    """A usage id that counts how often any of its kind is looked up."""

    steps = 0

    def __hash__(self):
        Counted.steps += 1
        return super().__hash__()


def steps_through_a_chain(depth):
    """How many look-ups it takes to compare a chain of so many blocks with another one, and with no tree."""
    ids = [Counted(n) for n in range(depth)]
    deep = [(ids[0], None, None), *((child, parent, 1.0) for parent, child in pairwise(ids))]
    before = Counted.steps
    assert touched_between(Tree(deep), Tree([*deep, ("new", ids[0], 1.0)])) == {"0", "new"}
    assert len(touched_between(None, Tree(deep))) == depth
    return Counted.steps - before


def test_a_tree_twice_as_deep_takes_twice_as_many_steps_to_compare():
    # Four times as many if each block went up to the root by itself.
    assert steps_through_a_chain(4_000) < 2.5 * steps_through_a_chain(2_000)


def test_a_path_may_be_deeper_than_python_recurses():
    deep = Tree([("0", None, None), *((str(n), str(n - 1), 1.0) for n in range(1, 20_000))])
    assert len(deep.path("19999")) == 20_000
