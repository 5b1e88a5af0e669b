"""When a campus's breaker trips, when it closes, and how throttling lowers and raises its limit. Pure."""

from dataclasses import replace

from models.campus import MIN_PROBE_PAUSE_MS, SLOW_MS, Breaker, Signal

#: Milliseconds. The pause before a probe doubles with each one that failed, up to this.
MAX_PROBE_PAUSE_MS = 300_000
#: Milliseconds. The pause of a throttling campus that names none; it doubles up to a minute.
THROTTLE_PAUSE_MS, MAX_THROTTLE_PAUSE_MS = 2_000, 60_000
#: Milliseconds. No single answer blocks a whole campus for longer, whatever it asks for.
MAX_BLOCK_MS = 900_000
#: The limit grows by one after so many successes for each request that it allows at once: growth is slow.
ROUNDS_TO_GROW = 4


def next_breaker(breaker: Breaker, signal: Signal, *, now: int, max_per_campus: int, jitter: float) -> Breaker:
    """
    What one signal makes of a campus's breaker.

    The breaker trips after failures of two different assignments with no success between: the failures of one may be
    its own. Failures that may be those of one address count as those of one assignment. It then admits one probe at a
    time, and a success closes it.

    Args:
        now: Milliseconds since 1970.
        max_per_campus: The operator's limit.
        jitter: 0.0 to 1.0; spreads probes.
    """
    breaker = _measured(breaker, signal, now)
    pause = 0
    match signal.kind:
        case "failure":
            return _failed(breaker, signal, now, jitter)
        case "throttled" if breaker.tripped_at is not None and not signal.answered:
            # A token server is busy: whether the campus itself takes grades again is not known.
            return _failed(breaker, signal, now, jitter)
        case "throttled":
            if signal.answered:
                breaker = _closed(breaker, max_per_campus, keep_trips=True)
            pause = min(THROTTLE_PAUSE_MS << min(breaker.trips, 10), MAX_THROTTLE_PAUSE_MS)
        case "success":
            breaker = _grown(_closed(breaker, max_per_campus), max_per_campus)
    # A campus that takes a grade may yet say that it comes near its limit.
    return _throttled(breaker, signal, now, max_per_campus, pause) if pause or signal.after else breaker


def _probe_pause_ms(failed_probes: int, *, asked: float | None, jitter: float) -> int:
    """How long a tripped breaker waits before its next probe; *asked*: seconds that the campus asked for, if it did."""
    pause = min(MIN_PROBE_PAUSE_MS << min(failed_probes, 10), MAX_PROBE_PAUSE_MS)
    return max(int(pause * (1 + jitter / 10)), min(int((asked or 0) * 1000), MAX_BLOCK_MS))


def _measured(breaker: Breaker, signal: Signal, now: int) -> Breaker:
    # What is one grade's own is not why the campus is down.
    if signal.error and (breaker.tripped_at is None or signal.kind != "neutral"):
        breaker = replace(breaker, last_error=signal.error, last_error_at=now, last_error_of=signal.assignment_id)
    if signal.answered and breaker.answered_at is None:
        breaker = replace(breaker, answered_at=now)
    if signal.clock_offset is not None:
        breaker = replace(breaker, clock_offset=signal.clock_offset)
    if signal.duration_ms is not None and breaker.slow != (signal.duration_ms > SLOW_MS):
        breaker = replace(breaker, slow=not breaker.slow)
    return breaker


def _closed(breaker: Breaker, max_per_campus: int, *, keep_trips: bool = False) -> Breaker:
    """The campus answers. After an outage it begins with one request at once."""
    if breaker.tripped_at is None:
        return replace(breaker, last_failed_assignment=None, trips=breaker.trips if keep_trips else 0)
    closed = replace(breaker, tripped_at=None, blocked_until=0, trips=0, successes=0, last_failed_assignment=None)
    return replace(closed, max_in_flight=1 if max_per_campus > 1 else None)


def _grown(breaker: Breaker, max_per_campus: int) -> Breaker:
    if breaker.max_in_flight is None:
        return breaker
    successes = breaker.successes + 1
    if successes < ROUNDS_TO_GROW * breaker.max_in_flight:
        return replace(breaker, successes=successes)
    limit = breaker.max_in_flight + 1
    if limit >= max_per_campus:
        return replace(breaker, max_in_flight=None, successes=0, throttled_at=None)
    return replace(breaker, max_in_flight=limit, successes=0)


def _throttled(breaker: Breaker, signal: Signal, now: int, max_per_campus: int, pause: int) -> Breaker:
    """Fewer at once, and none for a while. Requests that were under way at the last throttling say nothing new."""
    until = now + min(max(int((signal.after or 0) * 1000), pause), MAX_BLOCK_MS)
    blocked = replace(breaker, blocked_until=max(breaker.blocked_until, until))
    if breaker.throttled_at is not None and signal.claimed_at < breaker.throttled_at:
        return blocked
    limit = min(breaker.max_in_flight or max_per_campus, max_per_campus)
    return replace(
        blocked,
        throttled_at=now,
        trips=breaker.trips + (signal.kind == "throttled"),
        max_in_flight=max(1, limit // 2),
        successes=0,
    )


def _failed(breaker: Breaker, signal: Signal, now: int, jitter: float) -> Breaker:
    if breaker.tripped_at is not None:
        if signal.tripped_at != breaker.tripped_at:
            return breaker  # it was under way when the breaker tripped
        trips = breaker.trips + 1
        pause = _probe_pause_ms(trips, asked=signal.after, jitter=jitter)
        return replace(breaker, trips=trips, blocked_until=now + pause)
    if breaker.last_failed_assignment in (None, signal.culprit):
        return replace(breaker, last_failed_assignment=signal.culprit)
    pause = _probe_pause_ms(0, asked=signal.after, jitter=jitter)
    tripped = replace(breaker, tripped_at=now, trips=0, throttled_at=None, last_failed_assignment=signal.culprit)
    return replace(tripped, blocked_until=max(breaker.blocked_until, now + pause))
