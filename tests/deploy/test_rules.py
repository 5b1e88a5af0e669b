"""The alert rules by Prometheus's own tool: they are valid, each fires when it should, and has a runbook."""

import re
from pathlib import Path

import pytest

from tests.deploy.debian import promtool, tool
from tests.docs.docs_runner import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RULES, TESTS = FOLDER / "passbackd.rules.yml", FOLDER / "passbackd.rules.test.yml"
OUTAGES = FOLDER / "passbackd.outages.test.yml"
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text())


def test_the_rules_are_valid_and_each_fires_when_it_should_and_none_while_all_is_well():
    for said in (promtool().run("check", "rules", RULES), promtool().run("test", "rules", TESTS.name, cwd=FOLDER)):
        assert said.returncode == 0, said.stdout


def test_the_outage_of_one_campus_pages_no_operator_and_of_two_in_five_is_one_page():
    said = promtool().run("test", "rules", OUTAGES.name, cwd=FOLDER)
    assert said.returncode == 0, said.stdout


def test_only_eight_alerts_page():
    paging = re.findall(r"- alert: (\w+)\n(?:(?! *- alert).*\n)*? +severity: page", RULES.read_text())
    assert sorted(paging) == [
        "PassbackdDown",
        "PassbackdGradesOverdue",
        "PassbackdIntakeStalled",
        "PassbackdManyCampusesDown",
        "PassbackdMisconfigured",
        "PassbackdNotReady",
        "PassbackdRedisMemory",
        "PassbackdStreamAhead",
    ]


def test_alertmanager_takes_the_example_and_it_names_only_alerts_that_there_are():
    example = FOLDER / "alertmanager.example.yml"
    said = tool("amtool", "prometheus-alertmanager").run("check-config", example)
    assert said.returncode == 0, said.stdout
    assert set(re.findall(r"Passbackd\w+", example.read_text())) <= set(ALERTS)


def test_what_one_of_several_daemons_says_keeps_back_no_page():
    paging = set(re.findall(r"- alert: (\w+)\n(?:(?! *- alert).*\n)*? +severity: page", RULES.read_text()))
    example = (FOLDER / "alertmanager.example.yml").read_text()
    (targets,) = re.findall(r"source_matchers: .*PassbackdDown.*\n +target_matchers: (.*)\n", example)
    found = set(re.findall(r"Passbackd\w+", targets))
    assert found
    assert found & paging == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_about_a_campus_shows_its_key_and_the_runbook_says_whether_it_pages(alert):
    (rule,) = re.findall(rf"- alert: {alert}\n(?:(?! *- alert).*\n)*", RULES.read_text())
    assert ("consumer_key: " in rule) is ("$labels.consumer" in rule or "by (consumer)" in rule)
    section = Path(ROOT, "docs", "operate.md").read_text().partition(f"### {alert}\n")[2].partition("\n#")[0]
    assert ("(pages)" in section, "(a ticket)" in section) == ("severity: page" in rule, "severity: ticket" in rule)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_tested_and_has_a_runbook_to_which_it_leads(alert):
    tests = TESTS.read_text()
    assert f"name: {alert} fires" in tests
    assert f"#{alert.lower()}\n" in RULES.read_text()
    assert f"\n### {alert}\n" in Path(ROOT, "docs", "operate.md").read_text()
