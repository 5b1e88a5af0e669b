"""What ``import`` shows of the files, and of what became of them."""

from collections.abc import Mapping
from typing import Any

from daemon.cli.screen import console, say, table
from daemon.infra.text import counted
from daemon.support.openedx.read import Contents
from daemon.support.openedx.survey import ConsumerSurvey, Survey


def import_document(contents: Contents, survey: Survey, done: Mapping[str, int]) -> dict[str, Any]:
    """As one JSON object, without secrets. *done*: what was written; 0 of each in a dry run."""
    return {
        **done,
        "assignments": survey.launches,
        "without_consumer": survey.without_consumer,
        "event_types": dict(contents.events),
        "ignored_models": dict(contents.ignored),
        "unknown_columns": [
            {"model": model, "column": column, "number": number} for (model, column), number in contents.columns.items()
        ],
        "consumers": [_consumer(one) for one in survey.consumers],
    }


def _consumer(one: ConsumerSurvey) -> dict[str, Any]:
    return {
        "consumer": one.consumer.name,
        "key": one.consumer.key,
        "state": one.state,
        "paused": not one.sends,
        "assignments": one.assignments,
        "disabled": one.disabled,
        "learners": one.learners,
        "truncated_sourcedids": one.cut,
        "origins": dict(one.origins),
        "refused_urls": [{"url": url, "reason": reason} for url, reason in one.refused.items()],
    }


def show_survey(contents: Contents, survey: Survey) -> None:
    """Print what the files hold, and what the operator should look at first."""
    rows = [
        (
            one.consumer.name,
            one.consumer.key,
            one.state,
            one.assignments - one.disabled,
            one.learners,
            ", ".join(one.origins),
        )
        for one in survey.consumers
    ]
    if rows:
        headings = ("campus", "key", "here", "assignments", "learners", "addresses")
        console().print(table(headings, rows, numbers=("assignments", "learners")))
    for event_type, of_type in contents.events.items():
        say(f"{counted(of_type, 'event')} {event_type}")
    for one in survey.consumers:
        for words in _notes(one):
            say(f"{one.consumer.name}: {words}")
    if survey.without_consumer:
        left_out = counted(survey.without_consumer, "assignment")
        say(f"{left_out} left out: the service or its consumer is not in the files")
    for model, number in contents.ignored.items():
        say(f"{model}: {counted(number, 'object')} not needed")
    for (model, column), number in contents.columns.items():
        say(f"{model}: the column {column} is not known, and is left out ({counted(number, 'object')})")


def _notes(one: ConsumerSurvey) -> list[str]:
    notes = [f"egress lets nothing go to {url}: {reason}" for url, reason in one.refused.items()]
    if one.state == "other secret":
        notes.append("its key is here with another secret: --replace changes it to that of the file")
    if one.state != "new" and one.sends:
        notes.append(
            f"it is not paused, so that grades go out as they come in: `passbackd consumer pause {one.consumer.key}`"
        )
    if one.disabled:
        notes.append(f"{counted(one.disabled, 'assignment')} left out: disabled at the site")
    if one.cut:
        notes.append(
            f"{counted(one.cut, 'sourcedid')} of 255 characters, probably cut by the site's column: the campus refuses "
            "such grades until the learner launches again"
        )
    return notes


def show_done(survey: Survey, done: Mapping[str, int]) -> None:
    """Print what was written, and what comes next."""
    say(
        f"{counted(done['consumers_added'], 'consumer')} added, {done['consumers_changed']} changed; "
        f"{counted(done['events'], 'event')} and {counted(done['launches'], 'assignment')} are on the stream"
    )
    if done["launches_known"]:
        say(f"{counted(done['launches_known'], 'assignment')} more are here already, as they are or changed since")
    if survey.launches or done["events"]:
        say("a daemon applies them: `passbackd status` says how many wait, `quarantine list` what was refused")
    if done["consumers_added"]:
        say("what was added is paused: `passbackd baseline` takes over grades that the site has sent already, then ")
        say("`passbackd consumer resume KEY` begins to send")
