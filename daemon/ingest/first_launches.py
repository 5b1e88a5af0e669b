"""Applies launches that register what nothing is known of, together. Runs inside intake's transaction."""

from collections.abc import Collection, Sequence
from functools import lru_cache

from actors.egress import Egress, EgressRefused
from daemon.ingest.structure import kind_of
from models.assignment import Kind
from models.changes import Dirty
from models.course import CourseTrees
from models.first_launches import find_first, register_first
from models.launch import Registration
from models.retired_user import retired_since
from models.score import read_wanted
from models.stream_position import Position

_Block = tuple[str, str, str]


async def apply_first(
    launches: Sequence[Registration], position: Position, *, trees: CourseTrees, egress: Egress | None, now: int
) -> tuple[set[int], list[Dirty], set[int]]:
    """
    Register those of consecutive launches of which nothing is known.

    Returns:
        Their numbers in *launches*, what became dirty, and the ids of their campuses, which are to be probed soon. The
        other launches are to be applied one after the other.
    """
    retired = await retired_since({one.user_id for one in launches}, position)

    @lru_cache
    def is_allowed(consumer_key: str, url: str) -> bool:
        try:
            if egress is not None:
                egress.of(consumer_key).check_url(url)
        except EgressRefused:
            return False
        return True

    found = {
        number: place
        for number, place in (await find_first(launches)).items()
        if launches[number].user_id not in retired
        and is_allowed(launches[number].consumer_key, launches[number].lis_outcome_service_url)
    }
    if not found:
        return set(), [], set()
    first = [(launches[number], place) for number, place in found.items()]
    kinds = await block_kinds({(one.user_id, one.course_id, one.usage_id) for one, _ in first}, trees)
    campuses = {place.campus_id for place in found.values()}
    return set(found), await register_first(first, kinds, now=now), campuses


async def block_kinds(blocks: Collection[_Block], trees: CourseTrees) -> dict[_Block, Kind]:
    """
    The kinds of learners' blocks, each of learner, course and block: by the tree that counts for the learner.

    Where no tree holds the block, one with a score of its own is a leaf.
    """
    kinds: dict[_Block, Kind] = {}
    by_learner: dict[tuple[str, str], list[_Block]] = {}
    for block in blocks:
        by_learner.setdefault(block[:2], []).append(block)
    async for learner, tree in trees.each(by_learner.keys()):
        if tree is not None:
            kinds |= {block: kind_of(block[2], tree) for block in by_learner[learner] if block[2] in tree}
    unknown = [block for block in blocks if block not in kinds]
    if unknown:
        scores = await read_wanted([(user_id, course_id, (usage_id,)) for user_id, course_id, usage_id in unknown])
        for user_id, course_id, usage_id in unknown:
            own = scores[user_id, course_id, (usage_id,)]
            kinds[user_id, course_id, usage_id] = "leaf" if own else "composite"
    return kinds
