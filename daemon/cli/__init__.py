"""The command ``passbackd``: a module a family of subcommands, which is imported once it is called."""

import gc
import os
import signal
import sys

from daemon.demo import INTERRUPTED


def main() -> None:
    """Run the command. From the first moment on, a signal ends it as cleanly as any later one."""
    # What is imported stays, and looking through it for garbage takes a tenth of the time: a command that begins
    # enables it again.
    gc.disable()
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"]:
        # Until the daemon's own handlers replace these there is nothing to drain.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(0))
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    else:
        # Until a command's work begins: run_work() in daemon/cli/common.py.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    if arguments == ["--version"]:
        # Without Typer, whose import takes longer than all of this.
        from importlib.metadata import version  # noqa: PLC0415

        print(f"passbackd {version('passbackd')}")  # noqa: T201 - what Typer's echo does
        return
    if arguments[:1] in (["run"], ["check"]):
        from daemon.cli.package_names import require_own_names  # noqa: PLC0415 - the others do without it

        require_own_names(as_json=arguments[0] == "check" and "--json" in arguments)
    from daemon.cli.app import run_app  # noqa: PLC0415 - heavy

    run_app()
