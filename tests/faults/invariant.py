"""
What must hold once a fault is over: each function returns a sentence for each thing that does not. Pure.

A grade is named by its sourcedid. A *history* is all the grades it ever had as wire text, oldest first, none twice.
Times are ``time.monotonic``, in seconds.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tests.fakes.lms import Applied

History = list[str]

#: How often one version of a grade may be sent, whatever goes wrong.
MAX_POSTS = 20


class Sent(Protocol):
    """A request that a campus saw, over either version of LTI. *sourcedid* and *score* are None if it sent no score."""

    @property
    def sourcedid(self) -> str | None: ...
    @property
    def score(self) -> str | None: ...
    @property
    def began(self) -> float: ...


class Stamped(Protocol):
    """A score that a platform saw. *stamp*: its timestamp."""

    @property
    def sourcedid(self) -> str: ...
    @property
    def score(self) -> str: ...
    @property
    def stamp(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Overtaken:
    """An older grade was written over a newer one."""

    sourcedid: str
    older: str
    newer: str
    at: float
    #: When that newer grade, or one that is newer still, was written again; None if it never was.
    fixed: float | None

    def __str__(self) -> str:
        return f"{self.older} was written over the newer {self.newer} for {self.sourcedid}"


def overtaken(applied: Iterable[Applied], histories: Mapping[str, History]) -> list[Overtaken]:
    """Each time that the campus wrote an older grade over a newer one. Grades that are in no history have no age."""
    found = []
    for sourcedid, history in histories.items():
        age = {text: number for number, text in enumerate(history)}
        written = [one for one in applied if one.sourcedid == sourcedid and one.score in age]
        newest = -1
        for number, one in enumerate(written):
            if age[one.score] < newest:
                fixed = next((later.at for later in written[number:] if age[later.score] >= newest), None)
                found.append(Overtaken(sourcedid, one.score, history[newest], one.at, fixed))
            newest = max(newest, age[one.score])
    return found


def newest_is_held(gradebook: Mapping[str, str], histories: Mapping[str, History]) -> list[str]:
    """The campus holds what the learner has."""
    return [
        f"the campus holds {gradebook.get(sourcedid)} for {sourcedid}, but the learner had {history}, oldest first"
        for sourcedid, history in histories.items()
        if history and gradebook.get(sourcedid) != history[-1]
    ]


def older_is_overwritten(found: Iterable[Overtaken], *, within: float, resumed: float | None) -> list[str]:
    """
    An older grade that landed late is overwritten soon after its sender could know.

    Args:
        within: Seconds.
        resumed: When the holder of that attempt continued, if it was frozen.
    """
    faults = []
    for one in found:
        since = max(one.at, resumed or 0.0)
        if one.fixed is None:
            faults.append(f"{one} and never fixed")
        elif one.fixed - since > within:
            faults.append(f"{one} and fixed only {one.fixed - since:.1f} s later, which should take {within:g} s")
    return faults


def grades_are_real(applied: Iterable[Applied], histories: Mapping[str, History]) -> list[str]:
    """Every grade that the campus wrote is one that the learner had at some moment."""
    return [
        f"the campus got {one.score} for {one.sourcedid}, a grade that the learner never had"
        for one in applied
        if one.score not in histories.get(one.sourcedid, ())
    ]


def no_loop(requests: Iterable[Sent]) -> list[str]:
    """No version is sent again and again."""
    counted = Counter((one.sourcedid, one.score) for one in requests if one.score is not None)
    return [
        f"{score} was sent {number} times for {sourcedid}"
        for (sourcedid, score), number in counted.items()
        if number > MAX_POSTS
    ]


def stamps_grow(posts: Iterable[Stamped], histories: Mapping[str, History]) -> list[str]:
    """Of two scores of a grade the newer one never has the earlier timestamp: the platform would keep the older one."""
    faults = []
    by_name: dict[str, list[Stamped]] = {}
    for post in posts:
        by_name.setdefault(post.sourcedid, []).append(post)
    for name, sent in by_name.items():
        age = {text: number for number, text in enumerate(histories.get(name, ()))}
        known = sorted((one for one in sent if one.score in age), key=lambda one: (age[one.score], one.stamp))
        latest: Stamped | None = None
        for one in known:
            if latest is not None and one.stamp < latest.stamp:
                faults.append(f"{one.score} for {name} is newer than {latest.score}, but its timestamp is earlier")
            latest = one if latest is None or one.stamp > latest.stamp else latest
    return faults


def deliveries_are_complete(
    requests: Sequence[Sent], deliveries: Iterable[Mapping[str, Any]], *, since: float = 0.0
) -> list[str]:
    """
    Every request that the campus saw has its delivery record, and every acceptance was a request.

    Args:
        since: Requests that began before need no record.
        deliveries: ``sourcedid``, ``score`` and ``result`` of each. One without a score is of an attempt whose holder
            was lost: it is unknown whether it sent anything.
    """
    faults = []
    records = list(deliveries)
    for sourcedid in {one.sourcedid for one in requests} | {one["sourcedid"] for one in records}:
        sent = [one for one in requests if one.sourcedid == sourcedid]
        results = [(one["score"], one["result"]) for one in records if one["sourcedid"] == sourcedid]
        recorded = Counter(score for score, _ in results)
        lost = recorded.pop(None, 0)
        missing = Counter(one.score for one in sent if one.began >= since) - recorded
        if missing.total() > lost:
            faults.append(f"no delivery record of {sourcedid}, but {lost} of lost attempts: {dict(missing)}")
        accepted = Counter(score for score, result in results if score is not None and result == "accepted")
        if invented := accepted - Counter(one.score for one in sent):
            faults.append(f"{dict(invented)} was accepted for {sourcedid}: the campus saw none")
        strange = [result for score, result in results if score is None and result != "unknown"]
        if strange:
            faults.append(f"delivery records of {sourcedid} have {strange}, but no score")
    return faults


def nothing_is_left(rows: Iterable[Mapping[str, Any]], quarantined: int) -> list[str]:
    """Every row is at rest: sent, not claimed, not parked, not waiting; and nothing went to quarantine."""
    faults = []
    for row in rows:
        unrest = {
            "dirty": row["version_number"] > row["sent_version"],
            "claimed": row["claimed_until"] is not None,
            "parked": row["parked_at"] is not None,
            "waiting for a structure": row["waiting_since"] is not None,
        }
        faults += [f"{what} in the end: {row}" for what, holds in unrest.items() if holds]
    if quarantined:
        faults.append(f"{quarantined} events went to quarantine")
    return faults


def log_is_quiet(log: str, events: Iterable[Mapping[str, Any]], expected: Sequence[str]) -> list[str]:
    """
    No error and no traceback, except those that the fault must bring.

    Args:
        log: All of it as text; a line that is no event was not written by the daemon's log.
        expected: How the events begin that may be errors or carry a traceback.
    """
    faults = [
        f"the log has {event['level']} {event['event']!r}: {str(event)[-900:]}"
        for event in events
        if (event["level"] in ("error", "critical") or "exception" in event)
        and not str(event["event"]).startswith(tuple(expected))
    ]
    # The last line of a killed daemon may be half written.
    stray = [line for line in log.splitlines()[:-1] if not line.startswith("{")]
    if stray:
        faults.append(f"the log has lines that are no events: {stray[:20]}")
    return faults
