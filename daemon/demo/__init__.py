"""``passbackd demo``: the main job, played through on one machine against a sample campus LMS."""

#: What a shell reports for a program that ended on Ctrl-C.
INTERRUPTED = 130


def run_demo() -> int:
    """Play the demo on standard output and return the exit code: 0 only if every grade at the campus is right."""
    try:
        import asyncio  # noqa: PLC0415 - a Ctrl-C while this loads must end as cleanly as any other

        from rich.console import Console  # noqa: PLC0415

        from daemon.demo.play import play  # noqa: PLC0415

        return asyncio.run(play(Console()))
    except KeyboardInterrupt:
        return INTERRUPTED
