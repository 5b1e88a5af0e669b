"""`check --deep`: what may go wrong later, with its cure, and no campus gets a grade."""

import json

import pytest

from tests.blackbox.world import NAME, launch
from tests.daemon.check.certificates import served_with, valid_for
from tests.daemon.check.servers import RootPage, root_page
from tests.fakes.thread import in_thread

OUTCOMES = "/outcomes?section=1"


@pytest.fixture
def sound(make_world, fresh_database, _valkey_9):
    """On a database in which nothing is wrong; that of the other tests does not wait for its disk."""
    return make_world(fresh_database("sqlite"), _valkey_9.fresh_url())


def launched(world, *origins):
    """A daemon has seen a learner come from each of *origins*, and is gone."""
    daemon = world.begin()
    world.add(*(launch("ada", f"block-{n}", f"s-{n}", f"{origin}{OUTCOMES}") for n, origin in enumerate(origins)))
    daemon.wait_read()
    daemon.stop()


def document(world, *arguments, **environment):
    said = world.call("check", "--json", *arguments, **environment)
    assert said.err == ""
    found = json.loads(said.out)
    assert set(found) == {"ok", "findings"}
    assert all(set(finding) == {"severity", "about", "problem", "cure"} for finding in found["findings"])
    return said.code, found


def test_a_campus_is_looked_at_and_gets_no_grade(sound):
    with in_thread(root_page()) as page:
        launched(sound, page.origin)
        said = sound.call("check", "--deep")
    assert (said.code, said.err) == (0, ""), said.out
    assert page.asked == [("GET", "/")]
    assert f"{NAME} at {page.origin}: answers (HTTP 302) in " in said.out
    assert "its clock agrees with ours" in said.out
    assert said.out.splitlines()[-1].startswith("everything answers")
    assert "\x1b" not in said.out


def test_a_campus_in_trouble_ends_with_1_and_keeps_no_other_from_being_looked_at(sound):
    with in_thread(root_page(RootPage(hours=-2))) as slow_clock, in_thread(root_page()) as well:
        launched(sound, slow_clock.origin, well.origin)
        code, found = document(sound, "--deep")
    assert code == 1
    assert found["ok"] is False
    (trouble,) = [finding for finding in found["findings"] if finding["severity"] == "fault"]
    assert trouble["about"] == f"{NAME} at {slow_clock.origin}"
    assert trouble["problem"].startswith("its clock is 2 h behind")
    assert trouble["cure"]
    assert well.asked == [("GET", "/")]
    said = sound.call("check", "--deep")  # now nothing listens
    assert said.code == 1
    assert len(said.faults) == 2
    assert all("no connection (Connection refused); ask the campus" in line for line in said.faults)


def test_a_certificate_is_verified_by_the_authorities_that_the_daemon_trusts(sound, tmp_path):
    certificate = valid_for(7, tmp_path)
    with in_thread(root_page(tls=served_with(certificate))) as page:
        launched(sound, page.origin)
        code, _found = document(sound, "--deep")
        assert code == 1
        sound.set("egress", ca_file=str(certificate))
        said = sound.call("check", "--deep")
    assert said.code == 0, said.err
    assert f"warning: {NAME} at {page.origin}: its certificate runs out in 7 days; " in said.out


def test_a_file_without_authorities_keeps_campuses_from_being_probed(sound, tmp_path):
    authorities = tmp_path / "empty.pem"
    authorities.write_text("")
    with in_thread(root_page()) as page:
        launched(sound, page.origin)
        sound.set("egress", ca_file=str(authorities))
        said = sound.call("check", "--deep")
    assert said.code == 2
    assert page.asked == []
    (line,) = [line for line in said.out.splitlines() if line.startswith("warning: campuses: not probed: ")]
    assert "empty.pem cannot be used (" in line
    assert line.endswith("; name a file of certificates in PEM")
    assert any(line.startswith("egress.ca_file: ") for line in said.faults)


def test_a_postgresql_that_would_lose_grades_is_named_with_its_cure(world):
    with in_thread(root_page()) as page:
        launched(world, page.origin)
        said = world.call("check", "--deep")
    assert said.code == 2
    assert said.faults == [
        (
            "database.url: fsync is off: when its machine crashes, the whole database may be lost; "
            "set fsync = on in postgresql.conf"
        )
    ]
    assert "database: PostgreSQL 1" in said.out
    assert f"{NAME} at {page.origin}: answers (HTTP 302) in " in said.out, "a fault of a server hides no campus"


def test_a_redis_that_would_lose_events_is_named_with_its_cure(pair):
    pair.add_consumer()
    with pair.redis() as client:
        before = client.config_get("maxmemory-policy")["maxmemory-policy"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            plain = pair.call("check")
            deep = pair.call("check", "--deep")
        finally:
            client.config_set("maxmemory-policy", before)
    assert plain.code == 0, "only --deep looks for what may go wrong later"
    assert deep.code == 2
    (line,) = [line for line in deep.faults if "maxmemory-policy" in line]
    assert line.startswith("redis.url: maxmemory-policy is allkeys-lru")
    assert "set maxmemory-policy to noeviction" in line


def test_a_configuration_that_is_wrong_is_a_document_too(pair):
    pair.add_consumer()
    code, found = document(pair, PASSBACKD_WEB__PORT="ninety")
    assert (code, found["ok"]) == (2, False)
    assert [finding["about"] for finding in found["findings"]] == ["web.port"]


def test_a_server_that_is_away_is_a_document_too(sound):
    sound.add_consumer()
    code, found = document(sound, "--deep", PASSBACKD_REDIS__URL="redis://127.0.0.1:1/0")
    assert (code, found["ok"]) == (2, False)
    assert [finding["about"] for finding in found["findings"] if finding["severity"] == "fault"] == ["redis.url"]


def test_without_any_launch_there_is_no_campus_to_look_at(sound):
    sound.add_consumer()
    code, found = document(sound, "--deep")
    assert code == 0, found
    assert {"severity": "ok", "about": "campuses", "problem": "none has launched anything yet", "cure": ""} in found[
        "findings"
    ]
