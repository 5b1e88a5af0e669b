"""Who can set grades, and which connections to other machines can be read and changed on their way. Pure."""

import ipaddress
from urllib.parse import parse_qs, urlsplit

from daemon.check.findings import Finding, ok, warning
from daemon.config import Config
from daemon.config.sections import IntakeSection
from daemon.infra.text import counted

#: The modes that never fall back to plain text.
_TLS_MODES = ("require", "verify-ca", "verify-full")


def check_trust(config: Config) -> list[Finding]:
    """What follows from the URLs alone; names no password."""
    found = [ok("redis.stream", "any program that can XADD to it can set every learner's grades")]
    parts = urlsplit(config.redis.url)
    if parts.scheme == "redis":
        if is_remote(parts.hostname or ""):
            found.append(_plain("redis.url", parts.hostname, "set grades", "use rediss://"))
        if not parts.password and "password=" not in parts.query:
            problem = "names no password: every account that reaches this Redis can set grades"
            found.append(warning("redis.url", problem, "give it a password, or accounts (ACL)"))
    database = urlsplit(config.database.url)
    options = parse_qs(database.query)
    host = database.hostname or options.get("host", [""])[0]
    mode = options.get("sslmode", ["prefer"])[0]
    if database.scheme.startswith("postgres") and is_remote(host) and mode not in _TLS_MODES:
        found.append(_plain("database.url", host, "change all that is stored", "add ?sslmode=verify-full"))
    if config.intake.port:
        found += _check_intake(config.intake)
    return found


def _check_intake(intake: IntakeSection) -> list[Finding]:
    unlimited = sum(token.types is None for token in intake.allowed)
    found = [ok("intake.tokens", f"{counted(len(intake.allowed), 'token')}, of which {unlimited} may set every grade")]
    if is_remote(intake.host):
        problem = f"takes events on {intake.host} in plain HTTP: who is on the way can read the tokens and set grades"
        found.append(warning("intake.host", problem, "listen on 127.0.0.1, behind a web server with TLS"))
    return found


def is_remote(host: str) -> bool:
    """Whether *host* is another machine, going by the name alone; a path is a socket of this one."""
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host not in ("", "localhost") and not host.startswith("/")


def _plain(key: str, host: str | None, power: str, cure: str) -> Finding:
    problem = f"the connection to {host} may be in plain text: who is on the way can read it and {power}"
    return warning(key, problem, cure)
