"""
Launches that register an assignment of which nothing is known: of a course that begins, or of an import. Together.

They take a few statements for all of them, and one each otherwise (:mod:`models.registration`, which does the same for
one such launch). Within intake's transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from models.assignment import Kind, row_kind
from models.changes import Dirty
from models.consumer import ANY_INSTANCE, MAX_GUID, digest
from models.db.sql import Statement
from models.launch import Registration

# Nothing is stored of the cell nor of the learner's block, and nothing is to be learned of consumer and service.
_FIND = Statement(
    """
    SELECT number, outcome_service.id AS service_id, campus_id
    FROM {given} CROSS JOIN lti_consumer
    JOIN outcome_service ON outcome_service.lti_consumer_id = lti_consumer.id
    WHERE consumer_key = given.consumer AND issuer IS NULL AND url_digest = given.url AND found_id IS NULL
        AND (given.guid = '' OR instance_guid = given.guid OR instance_guid = :any_instance)
        AND NOT EXISTS (
            SELECT 1 FROM graded_assignment WHERE outcome_service_id = outcome_service.id
                AND sourcedid_digest = given.sourcedid)
        AND NOT EXISTS (
            SELECT 1 FROM graded_assignment WHERE user_id = given.learner AND course_id = given.course
                AND usage_id = given.usage)
        AND NOT EXISTS (SELECT 1 FROM orphaned_claim WHERE sourcedid_digest = given.sourcedid)""",
    given="number BIGINT, consumer VARCHAR, url VARCHAR, guid VARCHAR, sourcedid VARCHAR, learner VARCHAR, "
    "course VARCHAR, usage VARCHAR",
)
_GIVEN = {
    "user_id": "VARCHAR",
    "course_id": "VARCHAR",
    "usage_id": "VARCHAR",
    "outcome_service_id": "BIGINT",
    "campus_id": "BIGINT",
    "lis_result_sourcedid": "VARCHAR",
    "sourcedid_digest": "VARCHAR",
    "resource_link_id": "VARCHAR",
    "lti_user_id": "VARCHAR",
    "context_title": "VARCHAR",
    "resource_link_title": "VARCHAR",
    "registered_us": "BIGINT",
    "registered_place": "VARCHAR",
    "entry_id": "VARCHAR",
    "composite": "BOOLEAN",
    "changed_at": "BIGINT",
}
_STORE = Statement(
    f"""
    INSERT INTO graded_assignment ({", ".join(_GIVEN)}, due_at, note, version_number, sent_version, forced_version,
        not_before, hold_until, attempts)
    SELECT {", ".join(_GIVEN)}, :now, '', 1, 0, 0, 0, 0, 0 FROM {{given}} WHERE TRUE
    RETURNING id, composite, due_at""",
    given=", ".join(f"{name} {kind}" for name, kind in _GIVEN.items()),
)


class KnownService(NamedTuple):
    """The outcome service of a launch, and its campus."""

    service_id: int
    campus_id: int


async def find_first(launches: Sequence[Registration]) -> dict[int, KnownService]:
    """
    Which of consecutive launches register something of which nothing is known, by their numbers in *launches*.

    None that may touch what another one of them does: those are for one after the other.
    """
    cells = Counter(map(_cell, launches))
    blocks = Counter(map(_block, launches))
    given = [
        {
            "number": number,
            "consumer": one.consumer_key,
            "url": digest(one.place),
            "guid": (one.instance_guid or "")[:MAX_GUID],
            "sourcedid": digest(one.lis_result_sourcedid),
            "learner": one.user_id,
            "course": one.course_id,
            "usage": one.usage_id,
        }
        for number, one in enumerate(launches)
        if one.platform is None and one.offered is None and cells[_cell(one)] == blocks[_block(one)] == 1
    ]
    rows = await _FIND.rows(given=given, any_instance=ANY_INSTANCE) if given else []
    return {row["number"]: KnownService(row["service_id"], row["campus_id"]) for row in rows}


async def register_first(
    found: Iterable[tuple[Registration, KnownService]], kinds: Mapping[tuple[str, str, str], Kind], *, now: int
) -> list[Dirty]:
    """
    Store the assignments of launches that :func:`find_first` has found, which are dirty from then on.

    Args:
        kinds: By learner, course and block.
        now: Milliseconds since 1970.
    """
    found = list(found)
    given = [
        {
            "user_id": one.user_id,
            "course_id": one.course_id,
            "usage_id": one.usage_id,
            "outcome_service_id": place.service_id,
            "campus_id": place.campus_id,
            "lis_result_sourcedid": one.lis_result_sourcedid,
            "sourcedid_digest": digest(one.lis_result_sourcedid),
            "resource_link_id": one.resource_link_id,
            "lti_user_id": one.lti_user_id,
            "context_title": one.context_title,
            "resource_link_title": one.resource_link_title,
            "registered_us": one.modified_us,
            "registered_place": one.moment.place,
            "entry_id": one.entry_id,
            "composite": kinds[_block(one)] == "composite",
            "changed_at": min(one.modified_us // 1000, now),
        }
        for one, place in found
    ]
    rows = await _STORE.rows(given=given, now=now)
    return [Dirty(row["id"], row_kind(row), row["due_at"], first=True) for row in rows]


def _cell(launch: Registration) -> tuple[str, str]:
    return launch.lis_outcome_service_url, launch.lis_result_sourcedid


def _block(launch: Registration) -> tuple[str, str, str]:
    return launch.user_id, launch.course_id, launch.usage_id
