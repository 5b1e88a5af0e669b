"""
A model of a small world: two learners, problems and a chapter, three campuses, and daemons that may fail.

Everything that intake and the daemons do is done by the real code: events are read, applied and committed as from the
stream; the dispatcher picks what is due; attempts claim, send, finish and hand over. The model is the world around it:
what is said, what the campuses do with a request and when, which daemon is slow, freezes, dies or joins, which messages
are lost, and how time passes. And it counts the requests that may be under way at each campus, apart from the database.

It takes for granted what :mod:`tests.models.life` does, and two things more. A sourcedid that one assignment gave up is
not launched for another one while a request for it may still land. And an attempt whose assignment was deleted does not
begin to send after its lease, and what it sent has landed by then, whatever the answer.
"""

import json
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from actors.errors import Ambiguous, DeliveryError, TryLater
from actors.metrics import Metrics
from actors.protocols.lti11.responses import PROCESSING_HOLD
from actors.response import Response
from daemon.ingest.apply import Applier
from daemon.ingest.batch import Batches
from daemon.ingest.catch_up import CatchUp
from models import consumer_admin
from models.changes import Debounce
from models.course import CourseTrees
from models.orphaned_claim import prune_orphans
from models.quarantine import QuarantinedEvent
from models.rescue import rescue
from models.stream_position import read_position
from tests.models.campus import Campus, Request
from tests.models.oracle import Address, Blocks, Owner, Truth, limit
from tests.models.rows import COURSE, read_campuses, read_claims, read_lines, read_rows
from tests.models.simulated_daemons import HOLD, LEASE, PARTITIONS, Attempt, Call, Daemon, Stage, Time

DEBOUNCE = Debounce(delay_ms=20_000, ceiling_ms=60_000)
#: By consumer key: the URLs of its outcome services; those of one origin are one campus.
SERVICES = {
    "north": (
        "https://north.example/outcomes?a=1",
        "https://north.example/outcomes?a=2",
        "https://moved.example/outcomes",
    ),
    "south": ("https://south.example/outcomes",),
}
CHAPTER, OTHER = "chapter", "other"
PROBLEMS = ("p1", "p2")
_WHOLE: Blocks = {
    "course": (None, None),
    CHAPTER: ("course", None),
    OTHER: ("course", None),
    "p1": (CHAPTER, 2.0),
    "p2": (CHAPTER, 2.0),
}
STRUCTURES: dict[str, Blocks] = {
    "whole": _WHOLE,
    "p2 moved": _WHOLE | {"p2": (OTHER, 2.0)},
    "p2 counts more": _WHOLE | {"p2": (CHAPTER, 6.0)},
    "p1 gone": {usage: block for usage, block in _WHOLE.items() if usage != "p1"},
    "chapter gone": {
        usage: (OTHER if block[0] == CHAPTER else block[0], block[1])
        for usage, block in _WHOLE.items()
        if usage != CHAPTER
    },
}
#: The times that a claim must wait for.
TIMES = ("due_at", "not_before", "hold_until", "claimed_until")
#: Rounds after which a world without faults must be at rest.
PATIENCE = 200

_POX = """<imsx_POXEnvelopeResponse xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader>
<imsx_POXResponseHeaderInfo><imsx_statusInfo><imsx_codeMajor>{}</imsx_codeMajor><imsx_description>{}</imsx_description>
</imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader><imsx_POXBody/></imsx_POXEnvelopeResponse>"""


def _answer(status: int, code_major: str = "", description: str = "") -> Response:
    body = _POX.format(code_major, description).encode() if code_major else b""
    return Response(status, {}, body, seconds=0.1)


#: What the campus does: its answer, what the ledger then says, and for how long the score may still be stored after
#: it was answered (None: it is not stored).
ANSWERS: dict[str, tuple[Response | DeliveryError, str, int | None]] = {
    "accepts": (_answer(200, "success"), "accepted", 0),
    "refuses the learner": (_answer(200, "failure", "user not found"), "refused", None),
    "refuses the course": (_answer(200, "failure", "course concluded"), "refused", None),
    "is not there": (_answer(404), "refused", None),
    "gives no known reason": (_answer(200, "failure", "no"), "retried", None),
    "is busy": (_answer(429), "retried", None),
    "rejects the signature": (_answer(401), "misconfigured", None),
    "breaks": (_answer(500), "ambiguous", HOLD),
    "is silent": (Ambiguous("time-out"), "ambiguous", HOLD),
    "is processing": (_answer(200, "processing"), "ambiguous", int(PROCESSING_HOLD * 1000)),
}
#: What may have been done with a request that was stored is no refusal.
_IN_DOUBT = ("accepts", "breaks", "is silent", "is processing")


class World:
    """The world, with an empty database open. Each public method is one step."""

    def __init__(self, logs: list[Any], *, max_per_campus: int, caught_up: bool) -> None:
        self.time = Time()
        self.truth = Truth()
        self.campus = Campus()
        #: When each message arrives, and the assignments that it names.
        self.messages: list[tuple[int, list[int]]] = []
        self.attempts: list[Attempt] = []
        #: The rows as they were looked at last, by id.
        self.rows: dict[int, dict[str, Any]] = {}
        self.last_launch: tuple[str, Address, Owner] | None = None
        self._metrics = Metrics("model")
        self._logs = logs
        self._max_per_campus = max_per_campus
        self._catch_up = CatchUp()
        self._catch_up.applied = caught_up
        self._daemons: list[Daemon] = [self._daemon(), self._daemon()]
        self._gone: list[Attempt] = []
        self._calls: list[Call] = []
        #: By token: the campus and the lease's end of each claim that was not finished.
        self.claims: dict[int, tuple[int, int]] = {}
        #: By token.
        self._results: dict[int, str] = {}
        self._texts: dict[int, str] = {}
        #: By token: which row has the attempt's delivery record, or None if the row is gone.
        self._ledgers: dict[int, int | None] = {}
        self._us = self._version = self._entries = 0
        self._paused: set[str] = set()

    async def start(self) -> None:
        for key in SERVICES:
            await consumer_admin.add(key, key, "secret", guid=None, now=self.time.ms)
        applier = Applier(CourseTrees(), DEBOUNCE)
        self._batches = Batches(applier, self.time, self._catch_up, self._metrics, self._enqueue)

    def _daemon(self) -> Daemon:
        return Daemon(
            self.time,
            self.campus,
            self._metrics,
            self.messages,
            max_per_campus=self._max_per_campus,
            logs=self._logs,
        )

    async def _enqueue(self, dirty: Any) -> None:
        await self._daemons[0].outcomes.enqueue_dirty(dirty)

    # --- What the tool says ---

    def _modified(self) -> int:
        # After whatever happened in this millisecond: a launch unparks what was parked before it.
        self._us = max(self._us, self.time.ms * 1000) + 2
        return self._us

    async def _say(self, kind: str, modified: int | None = None, **fields: Any) -> None:
        self._entries += 1
        texts = {"type": kind, **fields}
        if modified is not None:
            texts["modified"] = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=modified)).isoformat()
        entry = {name.encode(): str(text).encode() for name, text in texts.items()}
        await self._batches.take(await read_position(), [(f"{self.time.ms}-{self._entries}", entry)])
        assert not await QuarantinedEvent.exists(), "an event was refused"

    async def score(self, user: str, problem: str, earned: int, *, ago: int | None = None) -> None:
        """A new score; or one from *ago* microseconds before the newest, which comes after it: 0 for the same time."""
        known = self.truth.scores.get((user, problem))
        modified = self._modified() if ago is None or known is None else known[2] - ago
        self.truth.score(user, problem, earned, 2.0, modified)
        points = {"points_earned": earned, "points_possible": 2}
        await self._say("score.changed", modified, user_id=user, course_id=COURSE, usage_id=problem, **points)
        await self.look()
        if known is None or (known[0] != earned and not ago):
            for row in self.rows.values():
                if row["user_id"] == user and self.truth.touches(problem, row["usage_id"]):
                    assert row["version_number"] > row["sent_version"], "a new score, and a clean grade"

    async def structure(self, name: str, *, stale: bool = False) -> None:
        """A new structure of the course; or an old one, which comes late."""
        version = self._version - 1 if stale else self._version + 1
        if not stale:
            self.truth.blocks, self._version = STRUCTURES[name], version
        blocks = [
            {"usage_id": usage, "parent": parent, "points_possible": possible}
            for usage, (parent, possible) in STRUCTURES[name].items()
        ]
        await self._say("course.structure", course_id=COURSE, version=version, blocks=json.dumps(blocks))

    def address(self, campus: str, user: str, block: str, *, service: int = 0, another: bool = False) -> Address:
        """Where a campus wants a grade; *another* sourcedid is one that it gave out anew."""
        services = SERVICES[campus]
        return services[service % len(services)], f"{user}/{block}" + "/2" * another

    async def launch(self, campus: str, user: str, block: str, address: Address) -> None:
        """A learner goes to a block."""
        await self._launch(campus, address, Owner(user, block, f"link of {block}", self._modified()), anew=True)

    async def launch_again(self, *, ago: int, another: bool) -> None:
        """The last launch comes again, or one from *ago* microseconds before it, perhaps with another sourcedid."""
        if self.last_launch is not None:
            campus, (url, sourcedid), said = self.last_launch
            if another:
                sourcedid = sourcedid.removesuffix("/2") if sourcedid.endswith("/2") else f"{sourcedid}/2"
            await self._launch(campus, (url, sourcedid), replace(said, modified=said.modified - ago), anew=False)

    async def _launch(self, campus: str, address: Address, said: Owner, *, anew: bool) -> None:
        services = frozenset(SERVICES[campus])
        ids = {(row["url"], row["lis_result_sourcedid"]): row["id"] for row in self.rows.values()}
        known = ([address] if address in ids else []) + self.truth.displaced_by(address, said, services)
        if address not in ids and self._may_land_at(address, but_of=ids[known[0]] if known else None):
            return
        if anew:
            self.last_launch = (campus, address, said)
        applied = self.truth.launch(address, said, services)
        if applied and len(known) > 1:
            self._displace([ids[other] for other in known[1:]], ids[known[0]])
        await self._say(
            "launch",
            said.modified,
            oauth_consumer_key=campus,
            user_id=said.user,
            course_id=COURSE,
            usage_id=said.block,
            lis_result_sourcedid=address[1],
            lis_outcome_service_url=address[0],
            resource_link_id=said.link,
        )
        await self.look()
        if applied and anew:
            row = next(row for row in self.rows.values() if (row["url"], row["lis_result_sourcedid"]) == address)
            assert row["parked_at"] is None, "stuck: parked after a launch"
            assert row["not_before"] <= self.time.ms, "stuck: backs off after a launch"

    def _may_land_at(self, address: Address, *, but_of: int | None) -> bool:
        unsent = [attempt.token for attempt in self.attempts if attempt.token and attempt.address == address]
        sent = [request.token for request in self.campus.under_way() if request.address == address]
        return any(self._ledgers[token] != but_of for token in unsent + sent)

    async def retire(self, user: str) -> None:
        """A learner is forgotten; what is under way may still land, and its delivery record goes."""
        modified = self._modified()
        self.truth.retire(user, modified)
        self._displace([row["id"] for row in self.rows.values() if row["user_id"] == user], None)
        await self._say("user.retired", modified, user_id=user)

    def _displace(self, goes: list[int], stays: int | None) -> None:
        for attempt in [attempt for attempt in self.attempts if attempt.assignment_id in goes]:
            if attempt.request is None or not attempt.may_crash:
                self._lose(attempt)
            elif attempt.request.under_way:
                attempt.request.limit = attempt.latest
        self.campus.lose_what_is_late(self.time.ms)
        unended = {attempt.token for attempt in self.attempts} | {attempt.token for attempt in self._gone}
        for token, row in self._ledgers.items():
            if row in goes:
                self._ledgers[token] = stays
                if token in unended:
                    self._results[token] = ""

    def _lose(self, attempt: Attempt) -> None:
        self._die(attempt)
        if attempt.request is not None and attempt.request.under_way:
            attempt.request.lost = True

    async def disable(self, which: int) -> None:
        """A sourcedid is taken back."""
        if self.rows:
            row = list(self.rows.values())[which % len(self.rows)]
            campus = next(key for key, urls in SERVICES.items() if row["url"] in urls)
            modified = self._modified()
            self.truth.disable(row["lis_result_sourcedid"], frozenset(SERVICES[campus]), modified)
            await self._say(
                "assignment.disabled", modified, oauth_consumer_key=campus,
                lis_result_sourcedid=row["lis_result_sourcedid"],
            )  # fmt: skip

    # --- What the operator does ---

    async def correct(self, campus: str) -> None:
        """The consumer is added once more, with another secret."""
        assert not await consumer_admin.add(campus, campus, "another secret", guid=None, now=self.time.ms)
        await self.look()
        for row in self.rows.values():
            if row["url"] in SERVICES[campus]:
                assert row["parked_scope"] != "campus", "stuck: parked for what was corrected"

    async def pause(self, campus: str) -> None:
        self._paused.add(campus)
        await consumer_admin.pause(campus, now=self.time.ms)

    async def resume(self, campus: str) -> None:
        self._paused.discard(campus)
        await consumer_admin.resume(campus, now=self.time.ms)

    # --- Time and messages ---

    def pass_time(self, milliseconds: int) -> None:
        self.time.ms += max(0, milliseconds)
        self.campus.lose_what_is_late(self.time.ms)

    async def wait_for_campuses(self) -> None:
        """Let the pauses of blocked campuses pass."""
        self.pass_time(max([0, *(campus["blocked_until"] - self.time.ms for campus in await read_campuses())]))

    def wait(self, row: dict[str, Any]) -> None:
        """Let the times of a row pass."""
        self.pass_time(max((row[column] or 0) - self.time.ms for column in TIMES))

    async def dispatch(self, which: int) -> None:
        """A round of one daemon's dispatcher."""
        await self.rescue()
        await self._daemons[which % len(self._daemons)].dispatcher.dispatch()

    async def rescue(self) -> None:
        await rescue(now=self.time.ms)
        await prune_orphans(now=self.time.ms)

    async def take_message(self, which: int) -> list[Attempt]:
        """A message arrives, at its time or later."""
        arrives_at, ids = self.messages.pop(0)
        self.pass_time(arrives_at - self.time.ms)
        return await self.receive(ids, which)

    async def receive(self, ids: list[int], which: int) -> list[Attempt]:
        """A daemon takes a message; the attempts that begin."""
        call = await self._daemons[which % len(self._daemons)].receive(ids)
        self._calls.append(call)
        self.attempts += call.attempts
        await self._count(call.attempts)
        return list(call.attempts)

    async def _count(self, new: list[Attempt]) -> None:
        """
        Note the new claims. With them a campus has no more than its limit.

        A request under way counts until its attempt has finished, or its lease has run out, whatever became of its row.
        """
        for attempt in new:
            self._ledgers[attempt.token] = attempt.assignment_id
            self.claims[attempt.token] = (attempt.campus_id, attempt.latest)
        for campus in await read_campuses():
            if any(attempt.campus_id == campus["id"] for attempt in new):
                under_way = sum(until > self.time.ms and at == campus["id"] for at, until in self.claims.values())
                allowed = limit(campus, now=self.time.ms, max_per_campus=self._max_per_campus)
                assert under_way <= allowed, "more requests at once than the campus may have"

    def join(self) -> None:
        """Another daemon is started."""
        if len(self._daemons) < 3:
            self._daemons.append(self._daemon())

    def restart(self) -> None:
        """Every daemon dies; Redis too."""
        self.messages.clear()
        for attempt in [attempt for attempt in self.attempts if attempt.may_crash]:
            self.crash(attempt)
        self._daemons[:] = [self._daemon(), self._daemon()]

    # --- Attempts ---

    async def go_on(self, attempt: Attempt, until: Stage) -> None:
        """Let it take its next steps, until the request is sent at most."""
        while attempt.stage < min(until, Stage.SENT):
            await self._go(attempt, None)

    async def _go(self, attempt: Attempt, said: Response | DeliveryError | None) -> None:
        await attempt.go_on(said)
        if attempt.stage == Stage.OVER:
            self.attempts.remove(attempt)
            self.claims.pop(attempt.token, None)
            if attempt.next is not None:
                await self._follow(attempt, attempt.next)

    async def _follow(self, attempt: Attempt, following: Attempt) -> None:
        assert following.campus_id == attempt.campus_id, "handed over to another campus"
        assert following.assignment_id % PARTITIONS == attempt.assignment_id % PARTITIONS, "to another partition"
        self.attempts.append(following)
        await self._count([following])

    async def find_no_connection(self, attempt: Attempt) -> None:
        """No connection; not a byte leaves."""
        self._texts[attempt.token] = attempt.text
        await self._go(attempt, TryLater("no connection"))

    def apply(self, attempt: Attempt) -> None:
        """The campus stores the score, and its answer is not read yet."""
        assert attempt.request is not None
        self.campus.apply(attempt.request, now=self.time.ms)

    async def answer(self, attempt: Attempt, how: str) -> None:
        """The campus answers, the attempt ends, and the score is stored now, later or never."""
        request = attempt.request
        assert request is not None
        if not request.under_way and how not in _IN_DOUBT:
            how = "is silent"
        answer, result, stored_within = ANSWERS[how]
        if request.under_way:
            request.lost = stored_within is None
            if how == "accepts":
                self.apply(attempt)
            elif stored_within:
                limit = self.time.ms + stored_within
                request.limit = limit if request.limit is None else min(request.limit, limit)
        self._texts[attempt.token] = attempt.text
        self._results.setdefault(attempt.token, result)
        await self._go(attempt, answer)

    def crash(self, attempt: Attempt) -> None:
        """Its daemon dies; of the attempt only its claim and a request under way are left."""
        assert attempt.may_crash
        self._die(attempt)
        if attempt.request is not None and attempt.request.under_way:
            attempt.request.limit = attempt.latest
            self.campus.lose_what_is_late(self.time.ms)

    def _die(self, attempt: Attempt) -> None:
        self.attempts.remove(attempt)
        self._gone.append(attempt)
        self._daemons[:] = [self._daemon() if daemon is attempt.daemon else daemon for daemon in self._daemons]

    async def close(self) -> None:
        """Nothing of the run is left behind."""
        for call in self._calls:
            await call.vanish()

    # --- What must hold ---

    async def look(self) -> None:
        """What holds after every step."""
        rows = {row["id"]: row for row in await read_rows()}
        owners = {
            (row["url"], row["lis_result_sourcedid"]): (row["user_id"], row["usage_id"], row["disabled_at"] is None)
            for row in rows.values()
        }
        assert owners == {
            address: (owner.user, owner.block, owner.enabled) for address, owner in self.truth.owners.items()
        }, "registered otherwise than launched"
        for row in rows.values():
            self._check_order(row, self.rows.get(row["id"], row))
            if row["disabled_at"] is None:
                self._check_grade(row)
        self.rows = rows

    def _check_order(self, row: dict[str, Any], before: dict[str, Any]) -> None:
        for column in ("version_number", "sent_version", "forced_version", "hold_until"):
            assert row[column] >= before[column], f"{column} went back"
        assert row["version_number"] >= max(row["sent_version"], row["forced_version"])
        if row["parked_at"] is not None or row["waiting_since"] is not None:
            assert row["version_number"] == row["claimed_version"], "stuck: parked or waiting with an untried version"

    def _check_grade(self, row: dict[str, Any]) -> None:
        grade = self.truth.grade(row["user_id"], row["usage_id"])
        if row["parked_at"] is not None:
            assert self._texts[row["claim_token"]] == grade, "stuck: parked, though this score was not refused"
        elif row["waiting_since"] is not None:
            assert self.truth.is_unknown(row["user_id"], row["usage_id"]), "stuck: waits for what is there"
        elif row["version_number"] == row["sent_version"] and grade is not None and not self._has_sent(row["id"]):
            assert self.campus.holds.get((row["url"], row["lis_result_sourcedid"])) == grade, "stale"

    def _has_sent(self, assignment_id: int) -> bool:
        """Whether a sender that sent has yet to finish, and so to learn that it was fenced."""
        return any(attempt.request and attempt.assignment_id == assignment_id for attempt in self.attempts)

    async def finish(self) -> None:
        """No more faults: every attempt finishes, and every campus must end up with the newest score."""
        for attempt in list(self.attempts):
            await self._bring_home(attempt)
        for campus in list(self._paused):
            await self.resume(campus)
        await self._settle()
        await self._check_ledger()

        # What is in the way goes away, so that nothing may hide behind it.
        for row in list(self.rows.values()):
            campus = next(key for key, urls in SERVICES.items() if row["url"] in urls)
            owner = self.truth.owners[row["url"], row["lis_result_sourcedid"]]
            await self.launch(campus, owner.user, owner.block, (row["url"], row["lis_result_sourcedid"]))
        for name in ("p2 moved", "whole"):
            await self.structure(name)
            await self._settle()
        for row in self.rows.values():
            assert row["version_number"] == row["sent_version"], "stuck"

        # And a change whose message is lost is found by the dispatcher alone.
        for user, problem in list(self.truth.scores):
            await self.score(user, problem, (int(self.truth.scores[user, problem][0]) + 1) % 3)
        await self._settle()
        await self._check_ledger()
        await self._check_quiet()

    async def _check_quiet(self) -> None:
        """Nothing is left to send, and every campus has its whole limit again."""
        self.messages.clear()
        self.pass_time(LEASE)
        await self.dispatch(0)
        assert self.messages == [], "never quiet"
        assert await read_claims() == [], "a slot is lost for ever"

    async def _bring_home(self, attempt: Attempt) -> None:
        """A frozen attempt thaws and goes on where it was; one that has no answer is given up."""
        at_work = attempt.stage < Stage.SENT
        await self.go_on(attempt, Stage.SENT)
        if attempt.stage == Stage.SENT and attempt.request is not None:
            is_answered = at_work or attempt.request.landed_at is not None
            await self.answer(attempt, "accepts" if is_answered else "is silent")

    async def _settle(self) -> None:
        """The dispatcher alone, at every time that is named anywhere; what is under way lands at the last moment."""
        for _ in range(PATIENCE):
            claimed = await self._dispatch_and_send()
            await self.look()
            if claimed:
                continue
            unsent = [row for row in self.rows.values() if may_come_due(row)]
            when = min((time for time in await self._times(unsent) if time > self.time.ms), default=None)
            late = self.campus.next_to_land()
            if late is not None and (when is None or (late.limit or 0) <= when + 1):
                self._land(late)
            elif when is not None:
                self.pass_time(when - self.time.ms)
            else:
                assert not unsent, "stuck: nothing holds a row back, and it is not sent"
                return
        raise AssertionError("never quiet")

    async def _dispatch_and_send(self) -> bool:
        """One round of a dispatcher, and attempts that are accepted; whether there was anything to claim."""
        self.messages.clear()
        await self.dispatch(0)
        found = [await self._send(ids) for _, ids in self.messages[:]]
        return any(found)

    async def _send(self, ids: list[int]) -> bool:
        started = await self.receive(ids, 0)
        for attempt in started:
            following: Attempt | None = attempt
            while following is not None:
                await self.go_on(following, Stage.SENT)
                if following.stage == Stage.SENT:
                    await self.answer(following, "accepts")
                following = following.next
        return bool(started)

    def _land(self, late: Request) -> None:
        assert late.limit is not None
        self.pass_time(late.limit - 1 - self.time.ms)
        self.campus.apply(late, now=self.time.ms)

    async def _times(self, unsent: list[dict[str, Any]]) -> list[int]:
        times = [row[column] or 0 for row in unsent for column in TIMES]
        if unsent:
            times += [campus["blocked_until"] for campus in await read_campuses()]
            times += [claim["claimed_until"] for claim in await read_claims()]
        return times

    async def _check_ledger(self) -> None:
        """Every request that a campus saw has its delivery record, which says what its sender knew."""
        lines = {row: {line["claim_token"]: line for line in await read_lines(row)} for row in self.rows}
        seen = defaultdict(list)
        for request in self.campus.seen:
            seen[self._ledgers[request.token]].append(request)
        for row, requests in seen.items():
            for request in requests:
                result = self._results.get(request.token, "unknown")
                if row in lines and result and self.rows[row]["disabled_at"] is None:
                    assert request.token in lines[row], "a request without a delivery record"
                    assert lines[row][request.token]["result"] == result


def may_come_due(row: dict[str, Any]) -> bool:
    """Whether only time, or its campus, holds a claim of the row back."""
    out = (row["parked_at"], row["disabled_at"], row["waiting_since"])
    return row["version_number"] > row["sent_version"] and all(since is None for since in out)
