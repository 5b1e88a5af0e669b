"""``import``: what another system holds."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from redis.exceptions import RedisError

from daemon.cli.common import (
    FAILED,
    WRONG,
    fail,
    measured_clock,
    opened_stream,
    quiet_config,
    run_in_database,
)
from daemon.cli.imported import import_document, show_done, show_survey
from daemon.cli.options import ConfigOption, JsonOption
from daemon.cli.record import record, recorded_in_steps
from daemon.cli.resend import stepping
from daemon.cli.screen import counting_bar, print_json, say
from daemon.config import Config
from daemon.infra.errors import describe
from daemon.infra.text import counted
from daemon.support.openedx.read import MAX_FAULTS, Contents, check_path, is_readable_by_others, read_files
from daemon.support.openedx.store import DumpStore
from daemon.support.openedx.survey import Survey, survey
from daemon.support.openedx.write import (
    NO_DAEMON_SECONDS,
    ChangedFileError,
    NoDaemonError,
    Portion,
    feed_slowly,
    portions,
    store_consumers,
)

app = typer.Typer(help="What another system holds: consumers, assignments, scores.", no_args_is_help=True)

_NOTHING = {"consumers_added": 0, "consumers_changed": 0, "events": 0, "launches": 0, "launches_known": 0}


@app.callback()
def _import() -> None:
    """Bring over what another system holds."""


@app.command("openedx")
def import_openedx(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Of dumpdata, or of events.")],
    config: ConfigOption = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read, check and count.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Change the secrets of known consumers.")] = False,
    as_json: JsonOption = False,
) -> None:
    """
    Import the consumers and assignments of an Open edX site, and its events.

    Files are JSON lines: of `manage.py lms dumpdata lti_provider --format jsonl`, which hold secrets, and events.
    Nothing is changed unless all of them can be read. What is new is paused. It may be repeated.

    Example: passbackd import openedx dump.jsonl scores.jsonl --dry-run
    """
    size = sum(_size(path) for path in files)
    settings = quiet_config(config)

    async def work() -> None:
        with TemporaryDirectory(prefix="passbackd-") as folder, DumpStore(Path(folder)) as store:
            now = (await measured_clock()).now()
            with counting_bar("reading (bytes)", wanted=not as_json) as bar:
                contents = read_files(files, store, now=now, advance=stepping(bar, size))
            _warn_of_secrets(files, contents)
            _check_contents(contents)
            found = await survey(store, settings.secrets.cipher, settings.egress.policy)
            if found.unusable:
                fail("\n".join([*found.unusable, "nothing was changed"]))
            done: Mapping[str, int] = _NOTHING
            if not dry_run:
                _check_secrets(found, replace=replace)
                with counting_bar("importing", wanted=not as_json) as bar:
                    advance = stepping(bar, contents.events.total() + found.launches)
                    done = await _write(settings, files, store, contents, found, now=now, advance=advance)
            if as_json:
                print_json(import_document(contents, found, done))
                return
            show_survey(contents, found)
            if dry_run:
                say("nothing was changed")
            else:
                show_done(found, done)

    run_in_database(settings, work, may_migrate=not dry_run)


def _size(path: Path) -> int:
    try:
        return check_path(path)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except ValueError as error:
        fail(f"{path}: {error}", WRONG)


def _warn_of_secrets(files: list[Path], contents: Contents) -> None:
    for number in sorted(contents.with_secrets):
        if is_readable_by_others(files[number]):
            say(
                f"warning: {files[number]} holds the consumers' secrets, and others may read it: chmod 600, and delete "
                "it once the import is done",
                err=True,
            )


def _check_contents(contents: Contents) -> None:
    if not contents.number_of_faults:
        return
    number = contents.number_of_faults
    more = [f"and {number - MAX_FAULTS} more"] if number > MAX_FAULTS else []
    last = f"{counted(number, 'line')} cannot be imported, and nothing was changed: correct or delete what is named"
    fail("\n".join([*contents.faults, *more, last]))


def _check_secrets(found: Survey, *, replace: bool) -> None:
    if replace or not found.differing:
        return
    named = [f"the key {one.consumer.key!r} is here with another secret than in the files" for one in found.differing]
    fail("\n".join([*named, "nothing was changed: --replace changes them to those of the files"]))


async def _write(
    settings: Config,
    files: list[Path],
    store: DumpStore,
    contents: Contents,
    found: Survey,
    *,
    now: int,
    advance: Callable[[int], None],
) -> dict[str, int]:
    selection = {"files": ", ".join(map(str, files))}

    async def note(key: str, known: bool) -> None:  # noqa: FBT001 - as store_consumers calls it
        await record("import openedx", selection | {"consumer": key, "replace": known}, {})

    async with opened_stream(settings) as stream:
        if stream is None:
            cure = "start the daemon, which runs it: passbackd run" if settings.redis.embedded else "is it running?"
            fail(f"redis.url: Redis does not answer, so nothing was imported; {cure}")
        stored = await store_consumers(found.consumers, settings.secrets.cipher, now=now, record=note)
        went: Counter[str] = Counter()

        def count(portion: Portion) -> None:
            went["events"] += len(portion.events)
            went["left out"] += portion.left_out
            advance(len(portion.events) + portion.left_out)

        async with recorded_in_steps("import openedx", selection) as counts:
            try:
                every = portions(files, store, now=now)
                await feed_slowly(every, stream, advance=count, monotonic=time.monotonic)
            except NoDaemonError:
                fail(
                    f"no daemon has applied an event for {NO_DAEMON_SECONDS} seconds: start it (passbackd run) and "
                    "import the same files again"
                )
            except ChangedFileError as error:
                fail(f"{error}; import the files again")
            except RedisError as error:
                fail(f"redis.url: Redis failed ({describe(error)}): import the same files again", FAILED)
            finally:
                own = min(went["events"], contents.events.total())
                counts.update(
                    consumers_added=stored["added"],
                    consumers_changed=stored["changed"],
                    events=own,
                    launches=went["events"] - own,
                    launches_known=went["left out"],
                )
    return counts
