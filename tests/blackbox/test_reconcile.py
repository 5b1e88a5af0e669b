"""`reconcile`: what a campus lost or changed is found and, where the operator says so, sent again."""

import json

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import KEY, NAME, launch, score
from tests.fakes.lms import success

LEARNERS = ("ada", "bob", "cyd", "dan")


def document(world, *arguments):
    said = world.call("reconcile", "--json", *arguments)
    assert said.err == ""
    return said.code, json.loads(said.out)


def counts(found):
    (campus,) = found["campuses"]
    return {name: campus[name] for name in ("equal", "empty", "outdated", "modified", "unreadable", "marked")}


def test_a_mismatch_is_found_and_fixed_as_the_operator_says(pair, campus):
    daemon = pair.begin()
    for learner in LEARNERS:
        pair.add(launch(learner, "problem-1", f"{learner}-1", campus.url()), score(learner, "problem-1", 4))
    daemon.wait_settled()
    pair.add(*(score(learner, "problem-1", 5) for learner in LEARNERS))
    daemon.wait_settled()
    assert document(pair)[0] == 0

    del campus.gradebook["/outcomes", "ada-1"]
    campus.gradebook["/outcomes", "bob-1"] = "0.4"
    campus.gradebook["/outcomes", "cyd-1"] = "0.95"
    before = len(campus.applied)
    code, found = document(pair)
    assert code == 1
    assert counts(found) == {"equal": 1, "empty": 1, "outdated": 1, "modified": 1, "unreadable": 0, "marked": 0}
    mismatches = {one["user_id"]: (one["finding"], one["held"], one["acknowledged"]) for one in found["findings"]}
    assert mismatches == {
        "ada": ("empty", "", "0.5"),
        "bob": ("outdated", "0.4", "0.5"),
        "cyd": ("modified", "0.95", "0.5"),
    }
    said = pair.call("reconcile", "--consumer", KEY)
    assert (said.code, said.err) == (1, "")
    assert "\x1b" not in said.out
    assert f"{NAME} at {campus.url('')}: 1 equal, 1 empty, 1 outdated, 1 modified" in said.out
    assert "holds a grade that was never sent" in said.out
    assert len(campus.applied) == before, "nothing is changed without --fix"
    # The command has left no claim, and nothing takes it for a daemon.
    assert "1 daemon is running" in pair.call("status").out
    assert pair.count("heartbeat") == 1
    assert pair.count("graded_assignment WHERE claimed_until IS NOT NULL") == 0

    code, found = document(pair, "--fix")
    assert (code, counts(found)["marked"]) == (1, 2), "what was changed by hand is left"
    daemon.wait_settled()
    assert campus.grade("ada-1") == campus.grade("bob-1") == "0.5"
    assert campus.grade("cyd-1") == "0.95"

    daemon.stop()
    code, found = document(pair, "--overwrite", "--course", "course-1")
    assert (code, counts(found)["marked"]) == (0, 1)
    assert campus.grade("cyd-1") == "0.95", "it waits for the daemon"
    daemon = pair.run().wait_ready()
    daemon.wait_settled()
    assert campus.grade("cyd-1") == "0.5"
    assert counts(document(pair)[1])["equal"] == len(LEARNERS)
    daemon.stop()
    pair.set("egress", allow_networks=[])
    code, found = document(pair)
    assert (code, {one["finding"] for one in found["findings"]}) == (1, {"unreadable"})
    assert "egress.allow_networks" in found["findings"][0]["why"]
    pair.call("consumer", "pause", KEY)
    code, found = document(pair)
    assert (code, found["campuses"][0]["left"]) == (1, "paused by the operator")


def test_a_reading_beside_a_daemon_at_work_keeps_to_the_limit_of_a_campus_and_leaves_it_at_work(pair, campus):
    learners = [f"u{number}" for number in range(40)]
    pair.set("outcomes", max_per_campus=2)
    daemon = pair.begin()
    pair.add(*(launch(learner, "problem-1", f"s-{learner}", campus.url()) for learner in learners))
    pair.add(*(score(learner, "problem-1", 4) for learner in learners[:20]))
    daemon.wait_settled()
    campus.behave = lambda _: success(latency=0.03)
    reading = pair.start("reconcile", "--json", "--config", str(pair.config))
    wait_until("it reads", lambda: any(record.reads for record in campus.requests))
    before = len(campus.applied)
    pair.add(*(score(learner, "problem-1", 5) for learner in learners[20:]))
    wait_until("grades go out meanwhile", lambda: len(campus.applied) > before)
    (report,) = json.loads(pair.end(reading).out)["campuses"]
    assert report["left"] == ""
    daemon.wait_settled()
    requests = list(campus.requests)
    assert max(sum(other.began <= one.began < other.ended for other in requests) for one in requests) <= 2
    daemon.stop()


def test_a_campus_that_keeps_the_best_of_several_gets_a_lower_grade_no_third_time(pair, campus):
    def keeps_the_best(record):
        held = campus.gradebook.get(("/outcomes", record.sourcedid), "0")
        return success(apply=record.score is not None and float(record.score) > float(held))

    campus.behave = keeps_the_best
    daemon = pair.begin()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 8))
    daemon.wait_settled()
    pair.add(score("ada", "problem-1", 5))
    daemon.wait_settled()
    code, found = document(pair, "--fix")
    assert (code, found["findings"][0]["finding"], counts(found)["marked"]) == (0, "outdated", 1)
    daemon.wait_settled()
    sent = len([record for record in campus.requests if not record.reads])
    for _ in range(2):
        code, found = document(pair, "--fix", "--overwrite")
        assert (code, found["campuses"][0]["kept"], counts(found)["marked"]) == (1, 1, 0)
    why = "the campus took 0.5 and still shows 0.8: it keeps the best, or a teacher's override; it is not sent again"
    assert [one["why"] for one in found["findings"]] == [why]
    said = pair.call("reconcile", "--fix")
    assert (said.code, why in said.out, "1 kept" in said.out) == (1, True, True)
    daemon.wait_settled()
    assert len([record for record in campus.requests if not record.reads]) == sent
    daemon.stop()
