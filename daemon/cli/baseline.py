"""``baseline``: grades that another system sent before passbackd count as delivered."""

from collections import Counter
from functools import partial
from typing import Annotated

import typer

from daemon.cli.common import WRONG, consumer_id, fail, measured_clock, quiet_config, run_in_database
from daemon.cli.options import AllOption, CampusOption, ConfigOption, CourseOption, JsonOption
from daemon.cli.record import recorded_in_steps
from daemon.cli.resend import milliseconds, stepping
from daemon.cli.screen import console, counting_bar, print_json, table
from daemon.infra.text import counted
from daemon.support.baseline import LEFT, BaselineFate, baseline
from models.queries.baseline import count, not_paused
from models.queries.filter import AssignmentFilter

#: Why grades are left alone, for people.
_WHY: dict[BaselineFate, str] = {
    "newer": "a score is not older than that: sent on resume",
    "older": "all scores are older than --since: passbackd's to send, on resume",
    "no score": "nothing attempted, or taken back",
    "waiting": "no known course structure holds the block: sent once one does",
    "tried": "an attempt is on record, under way or in doubt: its usual way goes on",
    "settled": "delivered or taken over already, or nothing to send",
    "disabled": "the tool said that it is not graded any more",
    "changed": "changed while this ran: run it again to see why",
}


def take_over_grades(
    before: Annotated[str, typer.Option("--before", metavar="WHEN", help="Newest score older than that (ISO 8601).")],
    consumer: CampusOption = None,
    course: CourseOption = None,
    config: ConfigOption = None,
    *,
    everything: AllOption = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="From then on the other system sent, after passbackd.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Count grades of paused campuses as delivered, since another system sent them before passbackd.

    With --since also grades that passbackd has sent before, if their newest score came since then and was not tried.
    They are not sent on resume; a later score is sent as usual. `passbackd reconcile` compares them like any other.

    Example: passbackd baseline --before 2026-03-02T08:00Z --consumer example
    """
    if consumer is None and course is None and not everything:
        fail("which grades? give --consumer or --course; --all means every one", WRONG)
    before_us = milliseconds(before, "--before") * 1000
    since_us = None if since is None else milliseconds(since, "--since") * 1000
    settings = quiet_config(config)
    selection = {"before": before, "consumer": consumer, "course": course, "all": everything, "since": since}

    async def work() -> tuple[int, Counter[str]]:
        wanted = AssignmentFilter(consumer_id=await consumer_id(consumer), course_id=course)
        await _check_paused(wanted)
        number, found = await count(wanted), Counter[str]()
        if not number and course is not None:
            fail(f"nothing matches: there is no grade in course {course!r}; see `passbackd why`")
        clock = await measured_clock()
        with counting_bar("counting" if dry_run else "taking over", wanted=not as_json) as bar:
            run = partial(
                baseline, wanted, before_us=before_us, since_us=since_us, now=clock.now, advance=stepping(bar, number)
            )
            if dry_run:
                return number, await run(found=found, dry_run=True)
            async with recorded_in_steps("baseline", selection) as counts:
                try:
                    await run(found=found, dry_run=False)
                finally:
                    counts.update(matched=number, taken_over=found["taken"])
        return number, found

    number, found = run_in_database(settings, work)
    if as_json:
        taken = found["taken"]
        done = {"taken_over": 0, "would_take_over": taken} if dry_run else {"taken_over": taken}
        left = {fate.replace(" ", "_"): found[fate] for fate in LEFT}
        print_json({"matched": number, **done, "left": left})
    else:
        _show(found, dry_run=dry_run)


async def _check_paused(wanted: AssignmentFilter) -> None:
    running = await not_paused(wanted)
    if running:
        lines = [
            f"{one.name!r} is not paused: `passbackd {'platform' if one.is_platform else 'consumer'} pause {one.key}`"
            for one in running
        ]
        fail("\n".join([*lines, "only grades of paused campuses can be taken over: nothing was changed"]), WRONG)


def _show(found: Counter[str], *, dry_run: bool) -> None:
    screen, taken = console(), found["taken"]
    if dry_run:
        screen.print(f"{counted(taken, 'grade')} would count as delivered; nothing was changed")
    else:
        screen.print(f"{counted(taken, 'grade')} {'counts' if taken == 1 else 'count'} as delivered")
    rows = [(found[fate], _WHY[fate]) for fate in LEFT if found[fate]]
    if rows:
        screen.print("\nleft as they were:")
        screen.print(table(("grades", "why"), rows, numbers=("grades",)))
