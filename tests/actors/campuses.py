"""What campuses hold and how they are doing: rows, states and requests under way, for tests that send."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from models.campus import Breaker, Campus, OutcomeService, read_breakers, read_state
from models.course import CourseStructure
from models.course_tree import Tree, canonical
from models.states import CampusState
from tests.actors.sending import SOURCEDID, Sending, just_now, make_campus, scored
from tests.fakes import lms as fake
from tests.fakes.lms import Behaviour, RecordingLms
from tests.models.rows import BLOCK, COURSE, PROBLEM, make_assignment, read_row


async def other_campus(lms: RecordingLms, name: str = "other", path: str = "") -> OutcomeService:
    """Another consumer's address on that server, which never answered yet."""
    lms.keys[name] = f"{name}-secret"
    return await make_campus(lms.url(path or f"/{name}"), name, name, f"{name}-secret")


async def known(*services: OutcomeService, **columns: Any) -> None:
    """These campuses have answered before, so that they get more than one request at once."""
    ids = [service.campus_id for service in services]
    await Campus.filter(id__in=ids).update(**{"answered_at": 1, **columns})


async def breaker_of(service: OutcomeService) -> Breaker:
    (breaker,) = await read_breakers([service.campus_id])
    return breaker


async def state_of(service: OutcomeService, now: int) -> CampusState:
    state, _ = await read_state(service.campus_id, now=now)
    return state


async def make_class(service: OutcomeService, number: int, **columns: Any) -> list[int]:
    """So many learners with a leaf each, all due there; the n-th has the sourcedid ``<id of the service>-s<n>``."""
    ids = []
    for one in range(number):
        learner = f"learner-{one}"
        await scored(one, number, learner=learner)
        sourcedid = f"{service.id}-s{one}"
        columns = {"due_at": just_now(), **columns}
        ids.append(await make_assignment(service, user_id=learner, lis_result_sourcedid=sourcedid, **columns))
    return ids


async def columns(assignment_id: int, *names: str) -> tuple[Any, ...]:
    """What its row holds there."""
    row = await read_row(assignment_id)
    return tuple(row[name] for name in names)


TREE = Tree([("root", None, None), (BLOCK, "root", None), (PROBLEM, BLOCK, 1.0), ("other", BLOCK, 3.0)])


async def structured(tree: Tree = TREE) -> None:
    """The course's structure came."""
    text, sum_ = canonical(tree)
    await CourseStructure.create(course_id=COURSE, version=1, digest=sum_, blocks=text)


async def make_composite(campus: OutcomeService, **columns: Any) -> int:
    return await make_assignment(campus, lis_result_sourcedid=SOURCEDID, composite=True, **columns)


def slowly(sending: Sending, seconds: float) -> Callable[[], Awaitable[None]]:
    """For :attr:`Trees.meanwhile`: time passes."""

    async def happens() -> None:
        sending.tick(seconds)

    return happens


async def held_by(
    sending: Sending, lms: RecordingLms, leaf: int, behaviour: Callable[[asyncio.Event], Behaviour] = fake.held
) -> Callable[[], Awaitable[None]]:
    """Have a request of that daemon reach the campus; gives what lets the campus answer."""
    hold, before = asyncio.Event(), len(lms.requests)
    lms.behave = fake.in_turn(behaviour(hold))
    passing = asyncio.create_task(sending.send(leaf))
    await lms.until(lambda: len(lms.requests) > before)

    async def answer_and_end() -> None:
        hold.set()
        await passing

    return answer_and_end
