"""What breaks: daemons, sessions, servers, the stream; and what operators do meanwhile."""

import signal
import subprocess
import time
from collections.abc import Callable

from tests.blackbox.world import COMMAND, STREAM
from tests.chaos.platform import TOKEN_WEATHERS
from tests.chaos.stage import Stage
from tests.chaos.weather import WEATHERS

Break = Callable[[Stage], object]

# --- daemons ---


def kill(stage: Stage) -> None:
    """SIGKILL one, perhaps a frozen one; another one may join later."""
    daemon = stage.chance.choice(stage.running)
    stage.note(f"SIGKILL {daemon.process.pid}")
    stage.running.remove(daemon)
    daemon.kill()
    if not stage.running or stage.chance.random() < 0.5:
        join(stage)


def freeze(stage: Stage) -> None:
    """SIGSTOP one for some seconds, often for longer than a lease."""
    daemon = stage.chance.choice(stage.running)
    if daemon not in stage.frozen:
        stage.freeze(daemon, stage.chance.choice((1, 4, 9, 16)))


def join(stage: Stage) -> None:
    if len(stage.running) < stage.most:
        stage.join()
        stage.note(f"daemon {stage.running[-1].process.pid} joins")


def stop(stage: Stage) -> None:
    """SIGTERM one, without waiting for its end."""
    daemon = stage.chance.choice(stage.running)
    if daemon not in stage.frozen and len(stage.running) > 1:
        stage.note(f"SIGTERM {daemon.process.pid}")
        stage.running.remove(daemon)
        daemon.terminate()


def reload(stage: Stage) -> None:
    daemon = stage.chance.choice(stage.running)
    stage.note(f"SIGHUP {daemon.process.pid}")
    # One that is still starting has no handler for it yet.
    if "listening" in daemon.log():
        daemon.process.send_signal(signal.SIGHUP)


# --- PostgreSQL ---


def end_sessions(stage: Stage) -> None:
    if stage.postgres is not None:
        name = stage.world.settings["database"]["url"].rsplit("/", 1)[1]
        ended = stage.postgres.execute(
            f"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        stage.note(f"{ended} database sessions terminated")


def restart_postgres(stage: Stage) -> None:
    if stage.postgres is not None:
        how = stage.chance.choice(("stop", "kill"))
        stage.note(f"PostgreSQL: {how}")
        getattr(stage.postgres, how)()
        time.sleep(stage.chance.uniform(0, 2))
        stage.postgres.start()
        stage.note("PostgreSQL is back")


# --- Redis ---


def restart_redis(stage: Stage) -> None:
    """Perhaps with the newest entries lost, as an append-only file that is a second behind loses them."""
    with stage.tool.silent():
        read = stage.position()
        how = stage.chance.choice(("stop", "kill"))
        getattr(stage.redis, how)()
        bytes_ = stage.redis.cut_file(stage.chance.choice((0, 100, 1_000, 5_000, 50_000)))
        time.sleep(stage.chance.uniform(0, 1))
        stage.redis.start()
        stage.tool.redis.connection_pool.disconnect()
        _repeat(stage, f"Redis: {how}, {bytes_} bytes lost, and back", read)


def lose_all(stage: Stage) -> None:
    with stage.tool.silent():
        read = stage.position()
        stage.tool.redis.delete(STREAM)
        # An id is given out once.
        while time.time_ns() // 1_000_000 <= stage.tool.newest[0]:
            time.sleep(0.001)
        _repeat(stage, "DEL of the stream", read)


def trim(stage: Stage) -> None:
    """The oldest entries go, or all but a few."""
    with stage.tool.silent():
        read = stage.position()
        left = stage.chance.choice((1, 5, 100))
        stage.tool.redis.xtrim(STREAM, maxlen=left, approximate=False)
        _repeat(stage, f"XTRIM to {left}", read)


def forget_newest(stage: Stage, number: int | None = None) -> None:
    """The newest entries go: if they were read, the rest is read again."""
    with stage.tool.silent():
        read = stage.position()
        number = number or stage.chance.choice((1, 2, 5, 20))
        newest = [entry_id for entry_id, _ in stage.tool.redis.xrevrange(STREAM, count=number)]
        if newest:
            stage.tool.redis.xdel(STREAM, *newest)
        _repeat(stage, f"XDEL of the newest {len(newest)}", read)


def _repeat(stage: Stage, what: str, read: tuple[int, int]) -> None:
    gone, repeated = stage.tool.repeat_lost(read)
    stage.note(f"{what}: {gone} entries gone, read to {read[0]}-{read[1]}, {repeated} repeated")


def fill(stage: Stage) -> None:
    """Redis has no memory left for a moment."""
    stage.note("maxmemory")
    stage.tool.redis.config_set("maxmemory-policy", "noeviction")
    stage.tool.redis.config_set("maxmemory", "1")
    time.sleep(stage.chance.uniform(0.3, 1.5))
    stage.tool.redis.config_set("maxmemory", "0")


# --- campuses and operators ---


def weather(stage: Stage) -> None:
    for campus in stage.campuses:
        campus.weather.now = stage.chance.choice(WEATHERS)
    stage.note(", ".join(f"{campus.key} is {campus.weather.now}" for campus in stage.campuses))


def tokens(stage: Stage) -> None:
    """Token servers are slow or away, and forget what they gave."""
    for platform in stage.platforms:
        platform.token_weather = stage.chance.choice(TOKEN_WEATHERS)
        share = stage.chance.choice((0, 0.5, 1))
        platform.revoke_some(stage.chance, share)
        stage.note(f"the token server of {platform.key} is {platform.token_weather}, and forgets {share:.0%}")


def pause(stage: Stage) -> None:
    """For as long as the operator does other things."""
    key = stage.chance.choice(stage.campuses).key
    stage.order("consumer", "pause", key)
    stage.order("consumer", "resume", key)


def correct(stage: Stage) -> None:
    """A known consumer is added once more: its campus is probed at once."""
    key = stage.chance.choice(stage.campuses).key
    stage.note(f"consumer add {key}")
    stage.orders.append(stage.operator.submit(stage.add_consumers, key))


def resend(stage: Stage) -> None:
    key = stage.chance.choice(stage.campuses).key
    options = stage.chance.choice((["--all"], ["--all", "--force"], ["--consumer", key, "--force"], ["--parked"]))
    stage.order("resend", *options)


def reconcile(stage: Stage) -> None:
    """In the background, since a campus may be slow; one at a time."""
    if stage.reading is None or stage.reading.poll() is not None:
        key = stage.chance.choice(stage.campuses).key
        stage.note(f"reconcile {key} --fix")
        command = [*COMMAND, "reconcile", "--consumer", key, "--fix", "--config", str(stage.world.config)]
        home = stage.world.home
        quiet = subprocess.DEVNULL
        stage.reading = subprocess.Popen(command, cwd=home, stdin=quiet, stdout=quiet, stderr=quiet)


#: How likely each is.
BREAKS: tuple[tuple[int, Break], ...] = (
    (8, kill),
    (8, freeze),
    (8, join),
    (3, stop),
    (2, reload),
    (6, end_sessions),
    (3, restart_postgres),
    (5, restart_redis),
    (2, lose_all),
    (3, trim),
    (4, forget_newest),
    (3, fill),
    (10, weather),
    (6, tokens),
    (3, pause),
    (4, correct),
    (3, resend),
    (3, reconcile),
)
