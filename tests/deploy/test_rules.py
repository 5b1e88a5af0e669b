"""The alert rules by Prometheus's own tool: they are valid, each fires when it should, and has a runbook."""

import re
from pathlib import Path

import pytest

from tests.deploy.debian import promtool
from tests.docs.docs_runner import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES, TESTS = FOLDER / "passbackd.rules.yml", FOLDER / "passbackd.rules.test.yml"
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())


def test_the_rules_are_valid_and_each_fires_when_it_should_and_none_while_all_is_well():
    for said in (promtool().run("check", "rules", RULES), promtool().run("test", "rules", TESTS.name, cwd=FOLDER)):
        assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_and_has_a_runbook_to_which_it_leads(alert):
    tests = TESTS.read_text()
    assert f"name: {alert} fires" in tests
    assert f"#{alert.lower()}\n" in RULES.read_text()
    assert f"\n### {alert}\n" in Path(ROOT, "docs", "operate.md").read_text()
