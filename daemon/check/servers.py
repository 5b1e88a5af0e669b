"""Everything on the side of this machine: the database, Redis, the certificates that are trusted."""

from actors.tls import trust
from daemon.check.database import check_database
from daemon.check.findings import Finding, fault
from daemon.check.redis import check_redis
from daemon.config import Config


async def check_servers(config: Config, *, deep: bool = False) -> list[Finding]:
    """
    What stands in the way of the daemon, and how the servers are.

    Args:
        deep: Also what may go wrong later: settings that lose data, clocks, memory, disk.
    """
    return [*await check_database(config, deep=deep), *await check_redis(config, deep=deep), *_certificates(config)]


def _certificates(config: Config) -> list[Finding]:
    egress, found = config.egress, []
    files = {"egress.ca_file": egress.ca_file}
    files |= {f"egress.campuses.{key}.ca_file": own.ca_file for key, own in egress.campuses.items()}
    for name, file in files.items():
        try:
            trust(file)
        except OSError as error:
            problem = f"{file} cannot be used ({error.strerror or error})"
            found.append(fault(name, problem, "name a file of certificates in PEM", joint=": "))
    return found
