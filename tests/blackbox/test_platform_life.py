"""A platform from the first command to the last: set up, launched from, graded, paused, and removed."""

import json
import sqlite3

import pytest

from models.encryption import Cipher
from tests.blackbox import leaks
from tests.blackbox.daemon import wait_until
from tests.blackbox.sites import Site, assertion_of, kid_of
from tests.fakes.platform import RecordingPlatform


@pytest.fixture
def site(pair):
    pair.set("secrets", keys=[pair.call("secrets", "key").out.strip()])
    with RecordingPlatform.in_thread() as platform:
        yield Site(pair, platform, "moodle", learners=1)
        assert platform.faults == []


def feed(world, *events):
    said = world.call("feed", "-", stdin="".join(json.dumps(event) + "\n" for event in events))
    assert said.code == 0, said.err


def test_a_platform_is_added_launched_from_graded_paused_and_removed(site, make_world, tmp_path):
    world, platform = site.world, site.platform
    assert "made the first signing key" in site.add("--deployment", "7").out
    # What is seen of it by others is of its start.
    world.starts_anew = True
    daemon = world.run().wait_ready()
    platform.register(site.client, jwks_url=f"http://127.0.0.1:{daemon.port}/jwks")
    assert "gives access tokens for scores" in world.call("platform", "check", site.client).out

    feed(world, *site.launches(context_title="Chemistry"), *site.work())
    wait_until("the grade is there", lambda: site.is_served)
    daemon.wait_settled()
    why = site.why()
    assert {name: why[name] for name in ("consumer", "protocol", "state", "who_acts")} == {
        "consumer": "moodle",
        "protocol": "lti-1.3",
        "state": "clean",
        "who_acts": "no one",
    }
    assert [(one["result"], one["http_status"], one["attempt"]) for one in why["deliveries"]] == [("accepted", 204, 1)]
    assert str(why["sent_score"]) == str(float(site.newest["moodle-0"]))
    (served,) = json.loads(daemon.page("/jwks")[1])["keys"]
    assert {kid_of(one) for one in site.asked()} == {served["kid"]}

    assert world.call("platform", "pause", site.client).code == 0
    feed(world, *site.work())
    daemon.wait_read()
    assert "passbackd platform resume client-moodle" in site.why()["reason"]
    assert (site.rows()[0]["attempts"], len(platform.of("score"))) == (0, 1)
    assert world.call("platform", "resume", site.client).code == 0
    wait_until("the newer grade is there", lambda: site.is_served)
    daemon.wait_settled()

    check_that_nothing_shows(site, daemon)
    if world.settings["database"]["url"].startswith("sqlite://"):
        check_a_copy_without_the_key(site, make_world, tmp_path)
    assert world.call("platform", "remove", site.client, "--yes").out == "removed client-moodle and 1 assignment\n"
    assert site.rows() == []
    assert site.why()["state"] != "clean"
    daemon.stop()


def check_that_nothing_shows(site, daemon):
    """Of keys, assertions and tokens, in what is stored and said."""
    secrets = leaks.private_parts(site.world, Cipher(site.world.settings["secrets"]["keys"]))
    secrets |= {*site.platform.office.issued, *(assertion_of(one) for one in site.asked())}
    texts = {
        "database": leaks.dump(site.world),
        "Redis": leaks.dump_of_redis(site.world),
        "log": daemon.log(),
        "ps": leaks.seen_by_ps(site.world),
        "metrics": daemon.page("/metrics")[1],
        "statusz": daemon.page("/statusz")[1],
        "why": json.dumps(site.why()),
    }
    assert list(leaks.leaks(secrets, texts)) == []


def check_a_copy_without_the_key(site, make_world, tmp_path):
    """The database on another machine: it cannot sign, says so, and loses nothing, so that the key is all it needs."""
    file = tmp_path / "copy.db"
    with sqlite3.connect(site.world.settings["database"]["url"].removeprefix("sqlite://")) as database:
        database.execute("VACUUM INTO ?", [str(file)])
    copy = make_world(f"sqlite://{file}", site.world.settings["redis"]["url"])
    before, asked = kept(copy), len(site.asked())
    for arguments in (
        *(("platform", "check", site.client), ("check", "--deep"), ("keys", "export"), ("keys", "new")),
        *(("reconcile",), ("secrets", "rotate")),
    ):
        said = copy.call(*arguments)
        assert said.code != 0, arguments
        assert "secrets.keys" in said.out + said.err, (arguments, said)
    other = copy.run()
    assert other.process.wait(60) == 2
    assert "secrets.keys: the secrets of the signing key" in other.log()
    assert len(site.asked()) == asked, "nothing was signed"
    assert kept(copy) == before

    copy.set("secrets", keys=site.world.settings["secrets"]["keys"])
    assert copy.call("platform", "check", site.client).code == 0


def kept(world):
    """What must not be lost: keys, grades, and what became of them."""
    grades = "id, version_number, sent_version, sent_score, attempts, parked_at, disabled_at"
    tables = {"tool_key": "*", "graded_assignment": grades, "delivery": "*", "score": "*"}
    return {table: world.rows(f"SELECT {columns} FROM {table}") for table, columns in tables.items()}
