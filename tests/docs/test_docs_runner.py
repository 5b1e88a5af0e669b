"""A new user follows the pages, from the installation to the help desk, and everything is as it is written there."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.deploy.distribution import AS_ROOT, WITHOUT_ROOT
from tests.docs.blocks import Block, blocks, steps
from tests.docs.docs_runner import ROOT, DocsRunner
from tests.docs.test_blocks import NOT_COMMANDS, PAGES

#: In the order in which they are read.
READ = [
    "docs/install.md",
    "README.md",
    "docs/configure.md",
    "docs/feed.md",
    "docs/platforms.md",
    "docs/operate.md",
    "docs/support.md",
    "docs/pages.md",
    "docs/open-edx.md",
    "docs/releasing.md",
]
#: Of this page only a section is read here: the others are typed at a site, by tests/clients/test_open_edx.py.
OPEN_EDX, TRYING = "docs/open-edx.md", "Try it on this machine"
#: Of this page these sections are left out: they are about what tests/deploy builds, which types them.
INSTALL, BUILT = "docs/install.md", (*WITHOUT_ROOT, *AS_ROOT)
#: This page tags a checkout: tests/deploy/test_releasing.py types it in one of its own.
RELEASING = "docs/releasing.md"


@pytest.fixture
def runner(tmp_path, fresh_database, _valkey_9, _postgres):
    server = urlsplit(fresh_database("postgresql"))
    web, embedded, intake, flask, campus, platform = free_ports(6)
    runner = DocsRunner(
        tmp_path,
        instead={
            "localhost:5432": f"{server.hostname}:{server.port}",
            "redis://localhost:6379/0": _valkey_9.fresh_url(),
            "-m daemon.demo\n": f"-m daemon.demo --port {campus}\n",
            "-m daemon.demo.platform": f"-m daemon.demo.platform --port {platform}",
            "9871": str(web),
            "9872": str(embedded),
            "9873": str(intake),
            "5057": str(flask),
            "8765": str(campus),
            "8766": str(platform),
        },
        environment={
            "PASSBACKD_WEB__PORT": str(web),
            "PASSBACKD_REDIS__EMBEDDED_PORT": str(embedded),
            "PGHOST": str(server.hostname),
            "PGPORT": str(server.port),
            "PGUSER": str(server.username),
        },
    )
    try:
        yield runner
    finally:
        runner.end()
        _postgres.execute("DROP DATABASE IF EXISTS passbackd WITH (FORCE)", database="postgres")
        _postgres.execute("DROP ROLE IF EXISTS helpdesk; DROP ROLE IF EXISTS passbackd", database="postgres")


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


@pytest.mark.timeout(600)
def test_every_command_of_the_pages_does_what_they_say(runner):
    for page in READ:
        for block in read_here(page):
            if block.language in NOT_COMMANDS:
                continue
            try:
                runner.run(block)
            except AssertionError as error:
                raise AssertionError(f"{page}, line {block.line}: {error}") from error


def read_here(page: str) -> list[Block]:
    text = (ROOT / page).read_text()
    if page == OPEN_EDX:
        return steps(text)[TRYING]
    if page == RELEASING:
        return []
    left_out = [block for heading in BUILT for block in steps(text)[heading]] if page == INSTALL else []
    return [block for block in blocks(text) if block not in left_out]


def test_no_page_with_commands_is_left_out():
    with_commands = {
        str(page.relative_to(ROOT))
        for page in PAGES
        if any(block.language not in NOT_COMMANDS for block in blocks(page.read_text()))
    }
    assert with_commands == set(READ)
