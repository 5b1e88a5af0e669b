"""The story of what went wrong: events, requests and breaks in the order of time, and what ``passbackd why`` says."""

import json
import time

from tests.chaos.campus import ChaosCampus
from tests.chaos.oracle import Cell, Entry, Oracle, Wanted
from tests.chaos.platform import ChaosPlatform
from tests.chaos.stage import Stage
from tests.chaos.weather import LIMIT, Handled

#: Milliseconds since 1970, less the same in ``time.monotonic``.
_OFFSET_MS = time.time_ns() / 1e6 - time.monotonic() * 1000


def story(stage: Stage, oracle: Oracle, cell: Cell, want: Wanted, held: str | None) -> str:
    """Of a cell that holds another grade than it must."""
    launch = want.launch
    lines = [(entry.place[0] - _OFFSET_MS, _of_entry(entry, stage)) for entry in oracle.history(cell)]
    for one in stage.campus(cell.key).weather.requests_of(cell):
        lines += [(at * 1000, text) for at, text in _of_request(one)]
    lines += [(at * 1000, f"    ({what})") for at, what in stage.done]
    begin = stage.began * 1000
    history = "\n".join(f"{(at - begin) / 1000:8.3f} {text}" for at, text in sorted(lines))
    return (
        f"{cell.sourcedid} at {cell.url} holds {held}, but must hold {want.grade}: by entry {launch.number} it is "
        f"for {launch.fields['user_id']} on {launch.fields['usage_id']}\n{history}\n{_why(stage, cell)}"
    )


def _of_entry(entry: Entry, stage: Stage) -> str:
    names = ("user_id", "usage_id", "points_earned", "lis_result_sourcedid", "lti_user_id", "modified")
    said = " ".join(entry.fields[name] for name in names if name in entry.fields)
    again = "" if entry.repeats is None else f" (again: {entry.repeats})"
    gone = " (gone since)" if entry.number in stage.tool.gone else ""
    return f"entry {entry.number} {entry.id} {entry.type} {said}{again}{gone}"


def _of_request(one: Handled) -> list[tuple[float, str]]:
    record = one.record
    name = f"request {record.number}" + (" (reads)" if one.score is None else "")
    found = [(record.began, f"  {name}: {one.score}, {one.does}")]
    if one.stored is not None:
        found.append((one.stored, f"  {name} is stored: {one.score}"))
    if record.ended is not None:
        found.append((record.ended, f"  {name} ends with {record.status}{', lost by the campus' if one.lost else ''}"))
    return found


def _why(stage: Stage, cell: Cell) -> str:
    said = stage.world.call("why", "--sourcedid", cell.sourcedid, "--json")
    if said.code:
        return said.err
    rows = json.loads(said.out)
    for row in rows:
        row["deliveries"] = row.get("deliveries", [])[:12]
    return json.dumps(rows, indent=1)


def excess(stage: Stage, campus: ChaosCampus | ChaosPlatform, at: float, number: int) -> str:
    """Of a campus that got more requests at once than its limit."""
    handled = campus.weather.handled.copy().values()
    around = [one for one in handled if one.record.began <= at and (one.record.ended or at) >= at]
    requests = "\n".join(
        f"  request {one.record.number} for {one.cell and one.cell.sourcedid} "
        f"since {at - one.record.began:.2f} s, {one.does}"
        for one in around
    )
    done = "\n".join(f"{when - stage.began:8.3f} {what}" for when, what in stage.done if at - 20 < when < at)
    return (
        f"{campus.key} had {number} requests at once, over its {LIMIT}, at {at - stage.began:.3f}\n{requests}\n{done}"
    )


def unrest(stage: Stage) -> str:
    """What is left to do."""
    rows = stage.rows(
        "SELECT * FROM graded_assignment WHERE claimed_until IS NOT NULL OR version_number > sent_version LIMIT 5"
    )
    campuses = stage.rows("SELECT * FROM campus")
    done = "\n".join(f"{when - stage.began:8.3f} {what}" for when, what in stage.done[-60:])
    logs = "\n".join(daemon.end_of_log() for daemon in stage.running)
    return "\n".join([*map(str, rows), *map(str, campuses), done, logs])
