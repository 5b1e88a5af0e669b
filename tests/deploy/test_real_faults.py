"""Alerts fire from real daemons in real faults, as a real Prometheus sees them; and the dashboard shows something."""

import json
import subprocess

import pytest

from tests.blackbox.daemon import wait_until
from tests.blackbox.world import KEY, SECRET, launch, score
from tests.daemon.check.certificates import served_with, valid_for
from tests.deploy.debian import promtool
from tests.deploy.prometheus import running_prometheus
from tests.docs.docs_runner import ROOT
from tests.fakes.lms import RecordingLms, answer, success

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "passbackd.json").read_text())
#: Every query of the dashboard, its variables put in.
EXPRESSIONS = [
    target["expr"].replace("$__rate_interval", "1m").replace("$consumer", ".*")
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
]


@pytest.fixture
def world(make_world, migrated_database, _valkey_9):
    return make_world(migrated_database("postgresql"), _valkey_9.fresh_url())


def learners(campus, number, block="problem-1"):
    for one in range(number):
        yield launch(f"u{one}", block, f"{block}-{one}", campus.url())
        yield score(f"u{one}", block, 5)


def test_alerts_fire_for_faults_and_for_nothing_else(world, tmp_path):
    with RecordingLms.in_thread(keys={KEY: SECRET}) as campus:
        campus.behave = lambda record: answer(404) if "problem-2" in (record.sourcedid or "") else success()
        daemon = world.begin()
        world.add(*learners(campus, 3))
        daemon.wait_settled()
        with running_prometheus(tmp_path / "prometheus", daemon.port) as prometheus:
            assert prometheus.firing() == set()
            world.add({"type": "score.changed", "user_id": "u1"})
            prometheus.wait_firing("PassbackdQuarantine")
            # An id of the future, which goes with the stream below.
            with world.redis() as client:
                client.xadd("passback:events", {"type": "user.retired", "user_id": "x"}, id="32503680000000-0")
            prometheus.wait_firing("PassbackdStreamAhead")
            with world.redis() as client:
                client.rename("passback:events", "passback:events:put-aside")
            wait_until("the alert is gone", lambda: "PassbackdStreamAhead" not in prometheus.firing())
            world.add(*learners(campus, 1, "problem-2"))
            prometheus.wait_firing("PassbackdParkedForCampus")
            campus.keys[KEY] = "another one"
            world.add(*(score(f"u{one}", "problem-1", 6) for one in range(3)))
            prometheus.wait_firing("PassbackdMisconfigured", "PassbackdCampusDown")
            with world.redis() as client:
                client.delete("passback:events")
                client.xadd("passback:events", {"type": "user.retired", "user_id": "another"}, id="1-1")
            prometheus.wait_firing("PassbackdStreamReset")
            daemon.kill()
            prometheus.wait_firing("PassbackdDown")


def test_every_query_of_the_dashboard_returns_data_and_the_metrics_are_as_they_should_be(world, tmp_path):
    certificate = valid_for(30, tmp_path)
    with RecordingLms.in_thread(keys={KEY: SECRET}, tls=served_with(certificate)) as campus:
        world.set("egress", ca_file=str(certificate))
        daemon = world.begin()
        world.add(*learners(campus, 3))
        daemon.wait_settled()
        with running_prometheus(tmp_path / "prometheus", daemon.port) as prometheus:
            world.add(*(score(f"u{one}", "problem-1", 6) for one in range(3)))
            daemon.wait_settled()
            daemon.wait_until(
                "all queries return data", lambda: all(prometheus.query(expression) for expression in EXPRESSIONS)
            )
        scraped = daemon.page("/metrics")[1]
        daemon.stop()
    said = subprocess.run(
        [promtool().path, "check", "metrics"], input=scraped, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


def test_the_dashboard_answers_the_four_questions():
    assert [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"] == [
        "Are grades flowing?",
        "To whom not, and since when?",
        "Why not?",
        "How quickly?",
    ]
