"""The alert rules by Prometheus's own tool: they are valid, each fires when it should, and has a runbook."""

import re
from pathlib import Path

import pytest

from tests.deploy.debian import promtool
from tests.docs.docs_runner import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES, TESTS = FOLDER / "passbackd.rules.yml", FOLDER / "passbackd.rules.test.yml"
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())


def test_the_rules_are_valid():
    said = promtool().run("check", "rules", RULES)
    assert said.returncode == 0, said.stdout


def test_each_rule_fires_when_it_should_and_none_while_all_is_well():
    said = promtool().run("test", "rules", TESTS.name, cwd=FOLDER)
    assert said.returncode == 0, said.stdout


def test_a_rule_that_does_not_fire_would_be_found(tmp_path):
    (tmp_path / RULES.name).write_text(RULES.read_text().replace("passback_ready == 0", "passback_ready == 7"))
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    said = promtool().run("test", "rules", TESTS.name, cwd=tmp_path)
    assert said.returncode != 0
    assert "PassbackdNotReady" in said.stdout


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_and_has_a_runbook_to_which_it_leads(alert):
    tests = TESTS.read_text()
    assert f"name: {alert} fires" in tests
    assert f"#{alert.lower()}\n" in RULES.read_text()
    assert f"\n### {alert}\n" in Path(ROOT, "docs", "operate.md").read_text()
