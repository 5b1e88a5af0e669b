"""The first pass over the files: every line is read and checked, and nothing is changed."""

import json
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daemon.ingest.events import BadEvent
from daemon.ingest.lines import check_event, event_fields, read_document
from daemon.ingest.parse import MAX_BYTES, known_type
from daemon.support.openedx.dump import BadObjectError, DumpedConsumer, read_object, unknown_columns
from daemon.support.openedx.store import DumpStore, KnownAssignment, LineOfFile
from models.consumer import origin

#: When a launch of a dump was: it has no date, and any launch that the tool sends is to be newer.
LONG_AGO = "1970-01-01T00:00:00Z"
#: Characters of an address that are shown.
MAX_SHOWN_URL = 200
#: Faults that are named, of all that there are.
MAX_FAULTS = 20


@dataclass(slots=True)
class Contents:
    """
    What the files hold. *events*: by type. *objects*: of a dump, by model. *columns*: that are not known, by model and
    name. *with_secrets*: files that hold consumers. *faults*: the first ones, each with its file and line.
    """

    events: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    columns: Counter[tuple[str, str]] = field(default_factory=Counter)
    with_secrets: set[int] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    number_of_faults: int = 0

    def fault(self, path: Path, line: int, error: object) -> None:
        """Note what is wrong with a line."""
        self.number_of_faults += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(f"{path}, line {line}: {error}")


def check_path(path: Path) -> int:
    """
    The size of a file in bytes.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no plain file: files are read twice.
    """
    with path.open("rb"):
        found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ValueError("is no plain file: it is read twice, so write what a pipe gives to a file first")
    return found.st_size


def is_readable_by_others(path: Path) -> bool:
    """Whether others than its owner may read it."""
    return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number and text of each line that is not blank; of one that is too long, a byte more than is allowed."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MAX_BYTES + 1):
            number += 1
            is_whole = line.endswith(b"\n") or len(line) <= MAX_BYTES
            if line.strip():
                yield number, line
            while not is_whole and (rest := file.readline(MAX_BYTES)):
                is_whole = rest.endswith(b"\n")


def parsed(line: bytes) -> Any:
    """
    A line as JSON.

    Raises:
        BadEvent: It is none.
    """
    if len(line) > MAX_BYTES:
        raise BadEvent(f"is longer than {MAX_BYTES} bytes")
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        # The decoder's words quote nothing of the line.
        raise BadEvent(f"is not JSON ({error}): was the file written with --format jsonl?") from None


def is_event(found: object) -> bool:
    """Whether it is an event, and no object of a dump."""
    return isinstance(found, dict) and "type" in found and "model" not in found


def read_files(
    paths: Sequence[Path], store: DumpStore, *, now: int, advance: Callable[[int], None] = lambda _: None
) -> Contents:
    """
    Read every line: objects go to *store*, events are checked as intake checks them.

    Args:
        now: By the database's clock, milliseconds since 1970.
        advance: Called with the bytes of lines that are done.
    """
    contents = Contents()
    for number, path in enumerate(paths):
        for line_number, line in read_lines(path):
            try:
                _read_line(line, LineOfFile(number, line_number), store, contents, now)
            except (BadEvent, BadObjectError) as error:
                contents.fault(path, line_number, error)
            advance(len(line))
    for one in store.assignments():
        try:
            check_event(launch_fields(one, store.consumers[one.consumer_pk].key), now=now)
            origin(one.url)
        except ValueError as error:  # BadEvent too
            contents.fault(paths[one.file], one.line, f"{error} (the outcome service {one.url[:MAX_SHOWN_URL]!r})")
    return contents


def _read_line(line: bytes, place: LineOfFile, store: DumpStore, contents: Contents, now: int) -> None:
    found = parsed(line)
    if is_event(found):
        fields = event_fields(read_document(line))
        check_event(fields, now=now)
        contents.events[known_type(fields["type"])] += 1
        return
    if not isinstance(found, dict):
        raise BadEvent("is neither an object of dumpdata nor an event")
    one = read_object(found)
    if one is None:
        contents.ignored[found["model"]] += 1
        return
    store.add(one, place)
    contents.objects[found["model"]] += 1
    contents.columns.update(unknown_columns(found))
    if isinstance(one, DumpedConsumer):
        contents.with_secrets.add(place.file)


def launch_fields(one: KnownAssignment, consumer_key: str) -> dict[str, str]:
    """The launch event of an assignment."""
    fields = {
        "type": "launch",
        "oauth_consumer_key": consumer_key,
        "user_id": one.user_id,
        "course_id": one.course_id,
        "usage_id": one.usage_id,
        "lis_result_sourcedid": one.sourcedid,
        "lis_outcome_service_url": one.url,
        "modified": LONG_AGO,
    }
    return fields if one.lti_user_id is None else fields | {"lti_user_id": one.lti_user_id}
