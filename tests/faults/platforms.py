"""The LTI 1.3 platforms of a setup: one of each kind of time rule, all in one thread, each its own consumer."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from joserfc.jwk import RSAKey

from daemon.demo.platform.kind import PlatformReply
from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.rules import MICROS_PER_SECOND
from daemon.demo.platform.tokens import AgsScope
from models.consumer import LtiConsumer
from models.tool_key import ToolKey
from tests.blackbox.world import COURSE, Fields
from tests.fakes.lms import Applied
from tests.fakes.platform import RecordingPlatform
from tests.fakes.platform_kinds import KINDS
from tests.fakes.thread import in_thread

#: The strict one, and those of products: equal refused; whole seconds; arrival time kept; time ignored; best kept.
SIX = ("default", "openedx", "moodle", "moodle_4_5_0_own", "sakai", "aplus")
#: Kinds on which an older score never replaces a newer one. One that keeps the time of arrival cannot know the order of
#: scores that come quicker than one a second: their timestamps run ahead of its clock.
ORDERING = frozenset({"default", "canvas", "openedx", "moodle", "moodle_own", "d2l", "blackboard"})


@dataclass(frozen=True, slots=True)
class Post:
    """One score that came, as :mod:`tests.faults.invariant` looks at it. Times are ``time.monotonic``."""

    sourcedid: str
    score: str
    began: float
    #: Its timestamp, microseconds since 1970.
    stamp: int
    decision: str


class FaultPlatform(RecordingPlatform):
    """
    One platform, and the line items of a learner's grades. A grade is named as the tool names it.

    Args:
        sourcedids: The names of the grades.
    """

    def __init__(self, kind: str, sourcedids: Sequence[str]) -> None:
        super().__init__(KINDS[kind]())
        self.kind, self.client_id = kind, f"client-{kind}"
        self.sourcedids = sourcedids
        #: Line item's URL by the name of a grade, and that name by path; known once it is open.
        self.line_items: dict[str, str] = {}
        self._names: dict[str, str] = {}
        #: All scores that were taken, in order, also those that changed nothing where the best is kept.
        self.applied: list[Applied] = []

    async def __aenter__(self) -> "FaultPlatform":
        await super().__aenter__()
        for name in self.sourcedids:
            self.line_items[name] = self.add_line_item()
            self._names[self.column(self.line_items[name]).path] = name
        return self

    def launch(self, name: str) -> Fields:
        """The launch for a grade."""
        learner, _, usage = name.partition("@")[0].partition("/")
        return {
            "type": "launch",
            "issuer": self.issuer,
            "client_id": self.client_id,
            "user_id": learner,
            "lti_user_id": self.sub(name),
            "course_id": COURSE,
            "usage_id": usage,
            "lineitem": self.line_items[name],
            "scopes": " ".join(AgsScope),
            "product_family": self.service.kind.product_family,
        }

    def sub(self, name: str) -> str:
        """What it calls the learner of a grade."""
        return f"sub-{name.partition('/')[0]}"

    def name_of(self, record: PlatformRequest) -> str:
        """The grade of a score."""
        return self._names.get(record.column or "", "")

    @property
    def posts(self) -> list[Post]:
        """The scores that came with an access token that was valid, in order."""
        return [
            Post(self.name_of(one), one.sent.text, one.began, one.sent.timestamp, one.decision)
            for one in self.of("score")
            if one.sent is not None
        ]

    def held(self) -> dict[str, str]:
        """By name the score that was taken last; where not the best is kept, people see it."""
        return {one.sourcedid: one.score for one in self.applied.copy()}

    def hold_later_times(self, seconds: float) -> None:
        """As after scores that came so quickly that their timestamps are so far ahead now."""
        for cell in self.gradebook.cells.copy().values():
            cell.since = self.now() + int(seconds * MICROS_PER_SECOND)

    async def serve(self, record: PlatformRequest) -> PlatformReply:
        reply = await super().serve(record)
        name = self.name_of(record)
        if name and record.sent is not None and record.decision in ("stored", "kept"):
            self.applied.append(Applied(record.path, name, record.sent.text, time.monotonic(), record.number))
        return reply

    def misuses(self, daemons: int) -> list[str]:
        """What no tool should do, and more token requests at once than one a daemon."""
        faults = [f"{self.kind}: {fault}" for fault in self.faults]
        for scope in AgsScope:
            if (most := self.most_tokens_at_once(self.client_id, scope)) > daemons:
                faults.append(f"{self.kind}: {most} token requests at once for {scope}")
        shown = {name: self.grade(url, self.sub(name)) for name, url in self.line_items.items()}
        if self.kind != "aplus" and shown != self.held():
            faults.append(f"{self.kind} shows {shown}, but took {self.held()}")
        return faults


def platforms_in_thread(
    kinds: Sequence[str], learners: Sequence[str], leaf: str, composite: str
) -> AbstractContextManager[list[FaultPlatform]]:
    """Platforms of these kinds, each with the leaf of one learner; the first learner's have the composite too."""
    made = []
    for number, kind in enumerate(kinds):
        learner = learners[number % len(learners)]
        usages = (leaf, composite) if learner == learners[0] else (leaf,)
        made.append(FaultPlatform(kind, [f"{learner}/{usage}@{kind}" for usage in usages]))
    return in_thread(_together(made))


@asynccontextmanager
async def _together(platforms: list[FaultPlatform]) -> AsyncIterator[list[FaultPlatform]]:
    async with AsyncExitStack() as stack:
        for platform in platforms:
            await stack.enter_async_context(platform)
        yield platforms


async def register(platforms: Sequence[FaultPlatform], key: RSAKey) -> None:
    """Tool and platforms know each other, in the database that is open."""
    for platform in platforms:
        platform.register(platform.client_id, pem=key.as_pem(private=False).decode())
        await LtiConsumer.create(
            consumer_name=platform.kind,
            consumer_key=platform.client_id,
            consumer_secret="",
            issuer=platform.issuer,
            client_id=platform.client_id,
            token_url=platform.token_url,
        )
    if platforms:
        pem = key.as_pem(private=True).decode()
        await ToolKey.create(kid=key.kid, private_pem=pem, created_at=0, signs_from=0)
