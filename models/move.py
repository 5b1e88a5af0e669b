"""Which assignments of LTI 1.1 move when their link is launched over LTI 1.3. Runs within intake's transaction."""

from models.assignment import GradedAssignment
from models.consumer import LtiConsumer, find_consumer
from models.launch import Registration


async def moving(launch: Registration) -> tuple[LtiConsumer | None, list[GradedAssignment]]:
    """
    The LTI 1.1 consumer that a launch over LTI 1.3 names, and its assignments that move, the newest first.

    They are of the same learner and block, and of the link that the launch names; one that is registered without a link
    moves if it is the only one. One that was launched over LTI 1.1 since does not move.
    """
    key = None if launch.platform is None else launch.platform.moves_from
    consumer = None if key is None else await find_consumer(key)
    if consumer is None or consumer.issuer is not None or launch.platform is None:
        return None, []
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
    return consumer, [row for row in of_link if row.registered <= launch.moment]
