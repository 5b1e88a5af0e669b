"""Whether the servers and campuses that the daemon is to work with can be worked with."""

from daemon.check.campuses import check_campuses
from daemon.check.findings import Finding, exit_code, faults_of_config, report
from daemon.check.servers import check_servers

__all__ = ["Finding", "check_campuses", "check_servers", "exit_code", "faults_of_config", "report"]
