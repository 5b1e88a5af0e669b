"""A platform over LTI 1.3 and grades that are due to it: for tests from the message to the platform and back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

from joserfc.jwk import RSAKey

from actors.tokens import Tokens
from daemon.demo.platform.kind import PlatformKind
from daemon.demo.platform.tokens import AgsScope
from daemon.why.document import document
from daemon.why.gather import gather
from daemon.why.known import Terms
from daemon.wiring import access_tokens
from models.campus import OutcomeService, ensure_campus
from models.changes import Change, change
from models.consumer import LtiConsumer, digest, origin
from models.db.clock import Clock
from models.encryption import PLAINTEXT
from models.launch import PlatformLaunch, Registration
from models.platform_admin import note_signing_key
from models.queries.grades import Query
from models.score import ScoreChange, apply_scores
from models.stream_position import read_position
from models.tool_key import ToolKey
from tests.actors.campuses import known
from tests.actors.posting import outcome_session
from tests.actors.sending import DEBOUNCE, Sending, fixed_clock
from tests.fakes.ags_tool import CLIENT, key_set, published
from tests.fakes.platform import RecordingPlatform
from tests.models.rows import BLOCK, COURSE, make_assignment, read_lines, read_row
from tests.models.scores import apply_score

#: What a daemon sends over LTI 1.3, too: real tokens.
OVER_LTI13: dict[str, Any] = {"tokens": lambda sender, clock: access_tokens(sender, clock, PLAINTEXT, note_signing_key)}
#: Kinds of platforms whose product a launch names otherwise than its kind.
PRODUCTS = {"default": None, "moodle_own": "moodle", "moodle_4_5_0_own": "moodle"}


class Over13:
    """
    One daemon, one platform that is registered here, and its line item.

    Args:
        keys: What the tool's key set holds.
        jwks_url: Where that is.
    """

    def __init__(self, sending: Sending, platform: RecordingPlatform, keys: list[RSAKey], jwks_url: str) -> None:
        self.sending, self.platform, self.keys, self.jwks_url = sending, platform, keys, jwks_url
        self.line_item = platform.add_line_item()
        self.service: OutcomeService
        self._changes = 0

    async def register(self, **columns: Any) -> None:
        """Both sides know each other, and the platform has answered before."""
        kind = self.platform.service.kind.name
        consumer = await LtiConsumer.create(
            **{
                "consumer_name": "campus",
                "consumer_key": CLIENT,
                "consumer_secret": "",
                "issuer": self.platform.issuer,
                "client_id": CLIENT,
                "token_url": self.platform.token_url,
                "product": PRODUCTS.get(kind, kind),
                **columns,
            }
        )
        self.service = await self.address(consumer, self.line_item)
        await known(self.service)

    async def address(self, consumer: LtiConsumer, url: str, **columns: Any) -> OutcomeService:
        """A line item of a consumer."""
        values = {"offered": " ".join(AgsScope), **columns}
        campus_id = await ensure_campus(consumer.id, origin(url))
        return await OutcomeService.create(
            lti_consumer=consumer, campus_id=campus_id, lis_outcome_service_url=url, url_digest=digest(url), **values
        )

    async def publish(self, key: RSAKey, **columns: Any) -> ToolKey:
        """One more key is in the key set, and signs."""
        self.keys.append(key)
        now = self.sending.now
        values = {"created_at": now, "signs_from": now, **columns}
        return await ToolKey.create(kid=key.kid, private_pem=key.as_pem(private=True).decode(), **values)

    async def make_grade(self, earned: float = 1, learner: str = "learner") -> int:
        """A grade of a learner that is due, of so many of four points; its id. The ``sub`` is ``sub-`` and the name."""
        sub = f"sub-{learner}"
        columns = {"user_id": learner, "lis_result_sourcedid": sub, "lti_user_id": sub, "due_at": self.sending.now}
        leaf = await make_assignment(self.service, **columns)
        await self.change(leaf, earned, learner)
        return leaf

    async def change(self, leaf: int, earned: float, learner: str = "learner") -> None:
        """A new score came, now, as intake applies it."""
        now = self.sending.now
        self._changes += 1
        moment = now * 1000 + self._changes % 1000
        await apply_score(learner, COURSE, BLOCK, points=(earned, 4), modified_us=moment)
        await change([Change(leaf, "leaf", scored_at=now)], now=now, debounce=DEBOUNCE)

    async def take_back(self, leaf: int, learner: str = "learner") -> None:
        """The tool took the learner's score back, now, as intake applies it."""
        now = self.sending.now
        self._changes += 1
        moment = now * 1000 + self._changes % 1000
        await apply_scores([ScoreChange(learner, COURSE, BLOCK, 0.0, 0.0, moment, cleared=True)])
        await change([Change(leaf, "leaf", scored_at=now)], now=now, debounce=DEBOUNCE)

    async def send_all(self) -> None:
        """Get the token, and send what is due and may be sent, without time passing."""
        await self.sending.dispatcher.dispatch()
        await self.sending.dispatcher.close()
        await self.sending.work_off()

    async def send_once(self, leaf: int) -> None:
        """One attempt, and none that follows it."""
        self.sending.outcomes.contended = True
        await self.sending.send(leaf)

    async def explained(self, learner: str = "learner") -> dict[str, Any]:
        """What ``why --json`` says of a learner's grade."""
        return await explained(learner, self.sending.now)

    async def check_why(self, state: str, *words: str, who: str = "no one", learner: str = "learner") -> None:
        """What ``why`` says: the state, who has to act, and each of *words* in its sentences."""
        why = await self.explained(learner)
        assert (why["state"], why["who_acts"]) == (state, who), why["reason"]
        assert [one for one in words if one not in why["reason"]] == [], why["reason"]

    def held(self, learner: str = "learner") -> str | None:
        return self.platform.grade(self.line_item, f"sub-{learner}")


@asynccontextmanager
async def over_lti13(
    key: RSAKey,
    kind: PlatformKind | None = None,
    *,
    clock: Clock | None = None,
    columns: dict[str, Any] | None = None,
    offset: float = 0.0,
    patience: float = 5.0,
    registered: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Over13]:
    """
    Args:
        clock: Of the daemon and, but for *offset*, of the platform; a fixed one if none is given.
        columns: Of the consumer.
        registered: How the platform knows the tool: arguments of ``register``.
    """
    clock = clock or await fixed_clock()
    keys: list[RSAKey] = []
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(
            RecordingPlatform(kind, clock=lambda: clock.now() / 1000, offset=offset)
        )
        jwks_url = await stack.enter_async_context(published(lambda: key_set(*keys)))
        platform.register(CLIENT, **{"jwks_url": jwks_url, **(registered or {})})
        session = await stack.enter_async_context(outcome_session(patience))
        one = Over13(Sending(session, clock, **OVER_LTI13, **settings), platform, keys, jwks_url)
        await one.register(**(columns or {}))
        await one.publish(key)
        try:
            yield one
        finally:
            await one.sending.dispatcher.close()
            assert isinstance(one.sending.tokens, Tokens)
            await one.sending.tokens.close()
        assert platform.faults == []


def launch_over(over: Over13, place: str, **more: Any) -> Registration:
    """The learner's launch at *over*'s platform, now; *place*: a line item, or a container of them."""
    values = {"modified_us": over.sending.now * 1000, "platform": PlatformLaunch(over.platform.issuer, CLIENT)} | more
    return Registration("", "learner", COURSE, BLOCK, "sub-learner", place, **values)


async def explained(learner: str, now: int) -> dict[str, Any]:
    """What ``why --json`` says of a learner's grade."""
    await read_position()
    answer = await gather(Query(learner), now=now)
    (one,) = document(answer, Terms(now, DEBOUNCE, ZoneInfo("UTC")))
    return one


async def ledger(leaf: int) -> list[tuple[str, int | None]]:
    """Result and HTTP status of each request, the oldest first."""
    return [(line["result"], line["http_status"]) for line in await read_lines(leaf)]


async def settled(leaf: int) -> bool:
    row = await read_row(leaf)
    return row["claimed_until"] is None and row["sent_version"] == row["version_number"]


async def until_settled(*leaves: int, seconds: float = 20.0) -> None:
    """Wait until nothing of these grades is left to send."""
    async with asyncio.timeout(seconds):
        for leaf in leaves:
            while not await settled(leaf):
                await asyncio.sleep(0.02)
