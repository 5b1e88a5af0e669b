"""`check --deep`: what may go wrong later, each with its cure, and no campus gets a grade."""

import json

import pytest

from tests.blackbox.world import KEY, NAME, launch, score
from tests.daemon.check.certificates import served_with, valid_for
from tests.daemon.check.servers import RootPage, root_page
from tests.fakes.lms import RecordingLms, answer, failure
from tests.fakes.thread import in_thread

OUTCOMES = "/outcomes?section=1"


@pytest.fixture
def sound(make_world, migrated_database, _valkey_9):
    """On a database in which nothing is wrong; that of the other tests does not wait for its disk."""
    return make_world(migrated_database("sqlite"), _valkey_9.fresh_url())


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


def test_a_campus_in_trouble_ends_with_1_and_hides_no_other(sound):
    with in_thread(root_page(RootPage(hours=-2))) as slow_clock, in_thread(root_page()) as well:
        launched(sound, slow_clock.origin, well.origin)
        code, found = document(sound, "--deep")
    assert (code, found["ok"]) == (1, False)
    (trouble,) = [finding for finding in found["findings"] if finding["severity"] == "fault"]
    assert trouble["about"] == f"{NAME} at {slow_clock.origin}"
    assert trouble["problem"].startswith("its clock is 2 h behind")
    assert trouble["cure"]
    (good,) = [finding for finding in found["findings"] if finding["about"] == f"{NAME} at {well.origin}"]
    assert good["severity"] == "ok"
    assert "its clock agrees with ours" in good["problem"]
    assert well.asked == [("GET", "/")]
    said = sound.call("check", "--deep")  # now no server listens
    assert (said.code, len(said.faults)) == (1, 2)
    assert all("no connection (Connection refused); ask the campus" in line for line in said.faults)


def test_a_certificate_is_verified_by_the_authorities_that_the_daemon_trusts(sound, tmp_path):
    certificate = valid_for(7, tmp_path)
    with in_thread(root_page(tls=served_with(certificate))) as page:
        launched(sound, page.origin)
        assert document(sound, "--deep")[0] == 1
        sound.set("egress", ca_file=str(certificate))
        said = sound.call("check", "--deep")
    assert (said.code, said.err) == (0, "")
    assert page.asked == [("GET", "/")], "one request, and no grade"
    assert said.out.splitlines()[-1].startswith("everything answers; ")
    assert "\x1b" not in said.out
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


def test_servers_that_would_lose_something_are_named_with_the_cure(pair):
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
    cures = [line.partition("; ")[2] for line in deep.faults if line.startswith("database.url: fsync is off: ")]
    assert cures == ["set fsync = on in postgresql.conf"] * pair.settings["database"]["url"].startswith("postgres")
    (line,) = [line for line in deep.faults if "maxmemory-policy" in line]
    assert line.startswith("redis.url: maxmemory-policy is allkeys-lru")
    assert "set maxmemory-policy to noeviction" in line


def test_a_server_that_is_away_is_a_document_too_and_without_a_launch_there_is_no_campus_to_contact(sound):
    sound.add_consumer()
    code, found = document(sound, "--deep", PASSBACKD_REDIS__URL="redis://127.0.0.1:1/0")
    assert (code, found["ok"]) == (2, False)
    assert [finding["about"] for finding in found["findings"] if finding["severity"] == "fault"] == ["redis.url"]
    none = {"severity": "ok", "about": "campuses", "problem": "none has launched anything yet", "cure": ""}
    assert none in found["findings"]


def test_a_campus_that_refuses_every_signature_is_a_fault_of_it_in_its_own_words(sound):
    learners = ("ada", "bob", "cyd")
    with RecordingLms.in_thread() as lms:
        lms.behave = lambda _: failure("Message signature not valid")
        daemon = sound.begin()
        for learner in learners:
            sound.add(launch(learner, "problem-1", f"{learner}-1", lms.url()), score(learner, "problem-1", 5))
        daemon.wait_until("it is down", lambda: sound.count("campus WHERE tripped_at IS NOT NULL"))
        said = sound.call("check", "--deep")
        assert said.code == 1
        (line,) = [line for line in said.faults if line.startswith(f"{NAME} at {lms.url('')}")]
        assert "down since 2" in line
        assert "Message signature not valid" in line
        assert "3 grades wait" in line
        assert f"passbackd consumer add '{NAME}' --key {KEY} --secret-stdin --replace" in line
        assert "everything answers" not in said.out
        lms.behave = lambda _: answer(404, b"no such page")
        sound.add_consumer()  # probes at once
        daemon.wait_until("it says so", lambda: sound.count("campus WHERE last_error LIKE '%404%'"))
        assert any("a wrong address, a login page" in line for line in sound.call("check", "--deep").faults)
        daemon.stop()


def test_what_is_left_undone_and_a_server_in_trouble_are_said(sound):
    with in_thread(root_page(RootPage(status=503))) as page:
        launched(sound, page.origin)
        sound.add({"type": "no such type"}, score("ada", "block-0", 5))
        code, found = document(sound, "--deep")
        assert code == 1
        lines = {finding["about"]: finding for finding in found["findings"] if finding["severity"] != "ok"}
        assert lines[f"{NAME} at {page.origin}"]["problem"].startswith("its server answers with HTTP 503")
        assert "no daemon has written a heartbeat lately" in lines["daemon"]["problem"]
        assert "2 events wait" in lines["daemon"]["problem"]
        daemon = sound.run().wait_ready()
        daemon.wait_read()
        daemon.wait_until("its heartbeat is that of a ready daemon", lambda: daemon.status()["troubles"] == [])
        _, found = document(sound, "--deep")
        problems = {finding["about"]: finding["problem"] for finding in found["findings"]}
        assert problems["daemon"] == "1 daemon at work"
        assert problems["quarantine"] == "1 event could not be applied"
        daemon.stop()
