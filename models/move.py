"""Which assignments of LTI 1.1 move when their link is launched over LTI 1.3. Runs within intake's transaction."""

from dataclasses import dataclass

from models.assignment import GradedAssignment
from models.consumer import LtiConsumer, find_consumer
from models.launch import Registration


@dataclass(frozen=True, slots=True)
class Move:
    """
    From where a launch over LTI 1.3 moves assignments, and which, the newest first.

    *link_id*: that of the LTI 1.1 consumer; None if it is not known.
    """

    consumer: LtiConsumer
    link_id: str | None
    rows: list[GradedAssignment]


async def moving(launch: Registration) -> Move | None:
    """
    What a launch over LTI 1.3 moves; None if it names no LTI 1.1 consumer that is known.

    The assignments are of the same learner and block, and of the link that the launch names; one that is registered
    without a link moves if it is the only one. One that was launched over LTI 1.1 since does not move.
    """
    key = None if launch.platform is None else launch.platform.moves_from
    consumer = None if key is None else await find_consumer(key)
    if consumer is None or consumer.issuer is not None or launch.platform is None:
        return None
    rows = await GradedAssignment.filter(
        outcome_service__lti_consumer_id=consumer.id,
        user_id=launch.user_id,
        course_id=launch.course_id,
        usage_id=launch.usage_id,
    ).order_by("-registered_us", "-registered_place", "-id")
    link = launch.platform.moved_link_id or launch.resource_link_id
    of_link = [row for row in rows if link is not None and row.resource_link_id == link]
    if not of_link and len(rows) == 1 and (link is None or rows[0].resource_link_id is None):
        of_link = rows
    if link is None and of_link:
        link = of_link[0].resource_link_id
    return Move(consumer, link, [row for row in of_link if row.registered <= launch.moment])


async def moved_over(launch: Registration) -> list[GradedAssignment]:
    """The assignments over LTI 1.3 that were of the learner, block and link of a launch over LTI 1.1 before."""
    if launch.platform is not None or launch.resource_link_id is None:
        return []
    return await GradedAssignment.filter(
        user_id=launch.user_id,
        course_id=launch.course_id,
        usage_id=launch.usage_id,
        moved_from_key=launch.consumer_key,
        moved_from_link_id=launch.resource_link_id,
    )


async def note_move(assignment_id: int, key: str, link_id: str | None) -> None:
    """Remember from where an assignment moved, as a launch over LTI 1.1 may be older and yet be read later."""
    await GradedAssignment.filter(id=assignment_id).update(moved_from_key=key, moved_from_link_id=link_id)
