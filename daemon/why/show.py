"""What ``why`` shows to people: a paragraph an assignment, its deliveries, and the events that were not applied."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from actors.compute_grade import Grade
from daemon.infra.log import printable
from daemon.infra.text import ALARM, NARROW, past
from daemon.why.absent import absence, launches_words, moved_words, who_acts
from daemon.why.activity import Activity, group_head, group_words, groups_in_order, head
from daemon.why.advice import PEOPLE
from daemon.why.asked import shown_words
from daemon.why.known import MAX_SHOWN_EVENTS, Explanation, Known, Terms, noun, protocol_words, title
from daemon.why.outlook import is_alarming, next_step, outlook, trouble_first
from daemon.why.points import MAX_SHOWN_PARTS, part_cells, score_words
from daemon.why.summary import NAMESAKES, OPENS_AGAIN, SENT_AGAIN, summary
from daemon.why.words import explanation
from models.queries.activity import MAX_ACTIVITY_GROUPS
from models.queries.grades import MAX_EVENTS, Rejected
from models.stale_event import StaleEvent

_Cell = str | int | None


def print_answer(answer: Explanation, terms: Terms, screen: Console) -> None:
    """Print what is known, trouble first."""
    if answer.absent is not None:
        state, why = absence(answer.absent, answer.rejected, terms)
        _say(screen, f"As of {_second(terms.now, terms)}: {state}.", style="bold")
        _say(screen, why)
        who = who_acts(answer.absent, state, terms)
        if who != "no one":
            _say(screen, f"Who has to act: {PEOPLE[who]}.")
    else:
        _print_head(answer, terms, screen)
    differ = len({known.row.protocol for known in answer.known}) > 1
    for known in sorted(answer.known, key=lambda known: trouble_first(known, terms)):
        screen.print()
        _print_assignment(known, terms, screen, with_protocol=differ)
    if answer.absent is None:
        for words in moved_words(answer.moved, terms):
            screen.print()
            _say(screen, f"Besides: {words} {OPENS_AGAIN}")
            _say(screen, f"Who has to act: {PEOPLE['learner']}.")
    _print_events(answer, terms, screen)


def _print_events(answer: Explanation, terms: Terms, screen: Console) -> None:
    learners = {known.row.user_id for known in answer.known} | {one.user_id for one in answer.rejected}
    several = len(learners) > 1
    event = ("read", *(["learner"] if several else []), "type", "course", "block", "event")
    if answer.rejected:
        screen.print()
        _say(screen, "In quarantine, since it could not be applied; passbackd's operator has to act:")
        rejected = [(*_event(one, terms, several=several), one.reason) for one in answer.rejected[:MAX_SHOWN_EVENTS]]
        print_rows(screen, (*event, "reason"), rejected)
        _say_more(screen, len(answer.rejected), more=answer.rejected_more)
        _say(screen, SENT_AGAIN)
    if answer.late:
        screen.print()
        _say(screen, "Came too late to change anything, since something newer was known:")
        late = [
            (*_event(one, terms, several=several), _second(one.modified_us // 1000, terms), one.number)
            for one in answer.late[:MAX_SHOWN_EVENTS]
        ]
        print_rows(screen, (*event, "of", "times"), late)
        _say_more(screen, len(answer.late), more=len(answer.late) >= MAX_EVENTS)


def _say_more(screen: Console, number: int, *, more: bool) -> None:
    if number > MAX_SHOWN_EVENTS:
        _say(screen, f"These are the newest {MAX_SHOWN_EVENTS} of {'at least ' if more else ''}{number} events.")


def print_activity(activity: Activity, terms: Terms, screen: Console) -> None:
    """Print the grades of all learners of an activity, a paragraph a group, trouble first."""
    _say(screen, head(activity, terms), style="bold")
    _warn_of_daemons(terms, screen)
    for group in groups_in_order(activity, terms):
        screen.print()
        _say(screen, group_head(group, terms), style=ALARM if group.state == "parked" else "bold")
        words = group_words(group, terms)
        _say(screen, words.reason)
        if words.who != "no one":
            _say(screen, f"Who has to act: {PEOPLE[words.who]}.")
    if len(activity.groups) > MAX_ACTIVITY_GROUPS:
        screen.print()
        _say(screen, f"These are the {MAX_ACTIVITY_GROUPS} largest groups; --usage narrows it down.")


def _print_head(answer: Explanation, terms: Terms, screen: Console) -> None:
    _say(screen, summary(answer, terms), style="bold")
    if answer.namesakes:
        _say(screen, NAMESAKES, style=ALARM)
    if answer.launches:
        _say(screen, launches_words(answer.launches, more=answer.rejected_more), style="bold")
    _warn_of_daemons(terms, screen)


def _warn_of_daemons(terms: Terms, screen: Console) -> None:
    if terms.daemon_fault is not None:
        _say(screen, terms.daemon_fault, style=ALARM)


def _event(event: Rejected | StaleEvent, terms: Terms, *, several: bool) -> tuple[_Cell, ...]:
    """*several*: whether there are other learners, so that it has to say whose it is."""
    whose = (event.user_id,) if several else ()
    return (_second(event.at, terms), *whose, event.type, event.course_id, event.usage_id, event.entry_id)


def _print_assignment(known: Known, terms: Terms, screen: Console, *, with_protocol: bool) -> None:
    """*with_protocol*: whether others of these grades go over another version of LTI."""
    row = known.row
    over = f", {protocol_words(row.protocol)}" if with_protocol else ""
    _say(screen, title(row), style="bold")
    place = (
        f"learner {row.user_id}, course {row.course_id}, {noun(row)} {row.usage_id}, assignment {row.id}{over}: "
        f"{row.state}"
    )
    state = Text(printable(place))
    if is_alarming(known, terms):
        state.stylize(ALARM, len(state) - len(row.state))
    screen.print(state, soft_wrap=not screen.is_terminal)
    _say(screen, explanation(known, terms))
    if known.shown is not None:
        _say(screen, shown_words(known))
    step = next_step(known, terms)
    if step is not None:
        _say(screen, step, style="" if outlook(known, terms).who == "no one" else "bold")
    if isinstance(known.grade, Grade) and len(known.parts) > 1:
        _print_parts(known, terms, screen)
    if known.lines:
        _print_deliveries(known, terms, screen)


def _print_parts(known: Known, terms: Terms, screen: Console) -> None:
    screen.print()
    parts = known.parts[:MAX_SHOWN_PARTS]
    print_rows(screen, ("problem", "points", "scored"), [part_cells(part, terms) for part in parts])
    if len(parts) < len(known.parts):
        _say(screen, f"There are {len(known.parts) - len(parts)} more problems; --json has them.")


def _print_deliveries(known: Known, terms: Terms, screen: Console) -> None:
    lines = [
        (
            _second(line.at, terms),
            line.attempt,
            line.version,
            f"{line.score} (cut)" if line.clamped else score_words(line.score),
            line.result,
            line.http_status,
            line.duration_ms,
            line.entry_id,
            line.description,
        )
        for line in known.lines
    ]
    screen.print()
    headings = ("when", "attempt", "version", "score", "result", "HTTP", "ms", "event", "what came of it")
    print_rows(screen, headings, lines)
    if known.more_lines:
        _say(screen, f"The ledger has more; these are the newest {len(known.lines)}.")


def _second(ms: int, terms: Terms) -> str:
    return past(ms, terms.zone, seconds=True)


def print_rows(screen: Console, headings: Sequence[str], rows: Iterable[Sequence[_Cell]]) -> None:
    """A table; on a narrow terminal a paragraph a row. No word is cut: an id that is cut off would be of no use."""
    if screen.width < NARROW:
        for first, *others in rows:
            named = zip(headings[1:], others, strict=True)
            words = ", ".join(f"{name} {value}" for name, value in named if value not in (None, ""))
            _say(screen, f"{headings[0]} {first}")
            screen.print(Padding(Text(printable(words), overflow="fold"), (0, 0, 0, 2)))
        return
    first, *rest = headings
    # Wide enough for a date.
    columns = [Column(first, overflow="fold", min_width=10), *(Column(name, overflow="fold") for name in rest)]
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*(Text("" if value is None else printable(str(value))) for value in row))
    screen.print(table)


def _say(screen: Console, text: str, style: str = "") -> None:
    """A paragraph, folded on a terminal and one line in a pipe."""
    screen.print(Text(printable(text), style=style), soft_wrap=not screen.is_terminal)
