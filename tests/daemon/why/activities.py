"""An activity that learners launched, and the answer about all of its grades."""

from daemon.why.gather import gather_activity
from models.stream_position import read_position
from tests.daemon.why.story import NOW, Story


async def launched(number: int, ago: float = 10) -> None:
    """So many learners on one activity of one campus, and one on another activity, so many minutes ago."""
    await read_position()
    story = Story()
    await story.consumer()
    await story.structure()
    for learner in range(number):
        await story.launch(ago, user_id=f"u{learner}", lis_result_sourcedid=f"s{learner}")
    await story.launch(ago, user_id="u0", usage_id="other unit", lis_result_sourcedid="other")


async def answer(usage_id="unit", course_id="physics"):
    return await gather_activity(course_id, usage_id, now=NOW)
