"""The unit as it is shipped, by systemd's own analysis."""

import re
from ipaddress import ip_network

from actors.egress import DENIED
from daemon.config import Config
from daemon.infra.file_limit import OTHERS
from tests.deploy.debian import systemd_analyze
from tests.docs.docs_runner import ROOT

UNIT = ROOT / "deploy" / "systemd" / "passbackd.service"
#: What is best kept below two: the rest is what no daemon on a network can do without.
MAX_EXPOSURE = 1.5


def setting(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return value


def test_it_is_exposed_to_no_more_than_its_work_needs():
    said = systemd_analyze().run("security", "--offline=true", UNIT)
    (exposure,) = re.findall(r"Overall exposure level for passbackd.service: ([0-9.]+)", said.stdout)
    assert float(exposure) <= MAX_EXPOSURE, said.stdout


def test_its_paths_are_absolute_and_one_prefix():
    text = UNIT.read_text()
    command = "/opt/passbackd/lib/passbackd/bin/passbackd"
    assert setting("ExecStart") == f"{command} run --config /opt/passbackd/etc/passbackd/config.toml"
    assert set(re.findall(r"(/opt/\w+)/", text)) == {"/opt/passbackd"}


def test_it_leaves_time_for_the_drain_and_does_not_restart_what_cannot_work():
    assert int(setting("TimeoutStopSec")) > 2 * Config().worker.drain_seconds
    assert setting("RestartPreventExitStatus") == "2"
    assert setting("Restart") == "always"
    assert setting("StartLimitIntervalSec") == "0"
    assert setting("TimeoutStartSec") == "infinity"


def test_it_may_have_a_connection_for_each_of_a_thousand_campuses():
    assert int(setting("LimitNOFILE")) >= 1000 + OTHERS


def test_it_keeps_from_metadata_services_as_the_daemon_does_and_bounds_its_memory_and_dumps_none_of_it():
    assert {ip_network(address) for address in setting("IPAddressDeny").split()} == {
        ip_network(network) for network in DENIED["a cloud's metadata service"]
    }
    assert (setting("MemoryMax"), setting("LimitCORE")) == ("1G", "0")
