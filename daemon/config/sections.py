"""Every setting with its type, its default and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

from actors.egress import Egress as Policy
from actors.protocols.lti11.platforms import ProfileName
from actors.retry import MAX_ATTEMPTS
from actors.tls import MinimumTls, trust
from daemon.config.values import (
    SQLITE,
    Network,
    check_postgres,
    check_sqlite,
    lower,
    networks,
    optional_path,
    path,
    profiles,
    secret_keys,
    url_parts,
    zone,
)
from models.encryption import Vault

if TYPE_CHECKING:
    import ssl

#: Seconds. Dramatiq delays a message by no more.
LONGEST_DELAY = timedelta(days=7).total_seconds()

#: What ``redis.url`` says for the server that the daemon runs itself.
EMBEDDED = "embedded"

Delay = Annotated[float, Field(ge=0, le=LONGEST_DELAY, allow_inf_nan=False)]
Wait = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Timeout = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Days = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Port = Annotated[int, Field(ge=0, le=65535)]
Name = Annotated[str, Field(min_length=1)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(networks)]
SecretKeys = Annotated[tuple[SecretStr, ...], BeforeValidator(secret_keys)]
Profiles = Annotated[Mapping[str, ProfileName], BeforeValidator(profiles)]


class Section(BaseModel):
    # Strict, since a number in quotes or a 1 for true is more often a slip than a wish.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)


class Database(Section):
    """Where the truth is kept."""

    url: str = Field(
        "sqlite://state/passbackd.db",
        description="sqlite://relative.db, sqlite:///absolute.db, or postgresql://user:password@host/database for "
        "production (with ?sslmode=verify-full where the network is not yours).",
    )
    migrate_on_start: bool = Field(
        default=True,
        description="Apply schema migrations when the daemon starts. With false, run `passbackd migrate` yourself.",
    )

    @field_validator("url")
    @classmethod
    def _is_supported(cls, url: str) -> str:
        if url.startswith(SQLITE):
            check_sqlite(url.removeprefix(SQLITE))
        elif url.startswith(("postgres://", "postgresql://")):
            check_postgres(url)
        else:
            raise ValueError(
                "should begin with sqlite:// or postgresql://, as in sqlite://relative.db, sqlite:///absolute.db "
                "or postgresql://user:password@host/database"
            )
        return url


class Redis(Section):
    """Where the tool writes its events, and where wake-ups wait."""

    url: str = Field(
        EMBEDDED,
        description='"embedded": the daemon runs a Valkey server of its own. Else redis://user:password@host:6379/0 '
        "or rediss://... (TLS) of a Redis 6.2 or newer, or of a Valkey.",
    )
    stream: Name = Field(
        "passback:events",
        description="The stream onto which the tool writes its events.",
    )
    dramatiq_namespace: Name = Field(
        "passback:dramatiq",
        description="What the names of the job queue's keys begin with.",
    )
    embedded_dir: Annotated[Path, BeforeValidator(path)] = Field(
        Path("state/valkey"),
        description="Where the embedded server keeps its data.",
    )
    embedded_port: Port = Field(
        9872,
        description="The port of the embedded server on 127.0.0.1; 0 lets the system choose one.",
    )

    @field_validator("url")
    @classmethod
    def _is_supported(cls, url: str) -> str:
        if url == EMBEDDED:
            return url
        if not url.startswith(("redis://", "rediss://")):
            raise ValueError(f'should be "{EMBEDDED}" or begin with redis:// or rediss://, as in redis://host:6379/0')
        parts = url_parts(url)
        if not parts.host:
            raise ValueError("names no host: write redis://host:6379/0 or redis://user:password@host:6379/0")
        number = parts.path.strip("/")
        if number and not number.isdecimal():
            raise ValueError("should end in the number of a logical database, as in redis://host:6379/0")
        return url

    @property
    def embedded(self) -> bool:
        """Whether the daemon runs a server of its own."""
        return self.url == EMBEDDED


class Outcomes(Section):
    """When grades are sent, and how many at once."""

    composite_delay_seconds: Delay = Field(
        900,
        description="The score of a block with several problems is sent when it has not changed for this long...",
    )
    composite_max_delay_seconds: Delay = Field(
        3600,
        description="...but no later than this long after its first change.",
    )
    timeout_seconds: Timeout = Field(
        10,
        description="How long a campus may take for its whole answer.",
    )
    hold_seconds: Wait = Field(
        20,
        description="After a request of which nobody knows whether it arrived, nothing is sent for that assignment "
        "for this long.",
    )
    max_connections: Count = Field(
        200,
        description="Connections of one daemon to all campuses together, each an open file. Slow campuses, which take "
        "more than a second, have half of them at most: with hundreds of campuses, have one for each.",
    )
    max_per_campus: Count = Field(
        4,
        description="Requests under way to one campus (a consumer at one scheme, host and port), of all daemons "
        "together, and of `passbackd reconcile`. A campus that says that it is busy gets fewer for a "
        "while. More than 12 at once trip the rate limit of Canvas.",
    )
    max_attempts: Count = Field(
        MAX_ATTEMPTS,
        description="Attempts until a score is parked; 80 take more than a week.",
    )
    skip_unchanged: bool = Field(
        default=True,
        description="Do not send again what the campus already holds.",
    )
    profiles: Profiles = Field(
        default_factory=dict,
        description='How the LMS of a consumer answers, by consumer key, as in { example = "canvas" }: default, '
        "canvas or moodle. Others are recognised from what they answer. In the environment: "
        "example=canvas, other=moodle.",
    )

    @field_validator("composite_max_delay_seconds")
    @classmethod
    def _is_not_below_the_delay(cls, longest: float, info: ValidationInfo) -> float:
        delay = info.data.get("composite_delay_seconds")
        if delay is not None and longest < delay:
            raise ValueError(
                f"{longest:g} is less than outcomes.composite_delay_seconds, {delay:g}: raise this or lower that"
            )
        return longest


class Secrets(Section):
    """What encrypts the campuses' secrets in the database."""

    keys: SecretKeys = Field(
        default=(),
        description="Keys that encrypt consumer secrets, the newest first: it encrypts, all decrypt. `passbackd "
        "secrets key` makes one; after a change run `passbackd secrets rotate`. Best given as a credential, a line a "
        "key. Without any, secrets are stored as they are.",
    )

    @property
    def vault(self) -> Vault:
        """What seals and opens consumer secrets."""
        return Vault([key.get_secret_value() for key in self.keys])


class CampusTls(Section):
    """How one campus is spoken to; what is not said is as for the others."""

    ca_file: Annotated[Path | None, BeforeValidator(optional_path)] = None
    minimum_tls: MinimumTls | None = None


class Egress(Section):
    """Where requests may go."""

    allow_http: bool = Field(
        default=False,
        description="Allow http:// addresses of campuses, which give away scores and can be forged. For tests only.",
    )
    allow_networks: Networks = Field(
        (),
        description='Campuses on private addresses, which are refused otherwise, as in ["10.20.0.0/16"]. In the '
        "environment: with commas.",
    )
    ca_file: Annotated[Path | None, BeforeValidator(optional_path)] = Field(
        None,
        description="Certificates (PEM) to trust besides the system's; empty: only the system's.",
    )
    minimum_tls: MinimumTls = Field(
        default="1.2",
        description="The oldest version of TLS that is spoken with campuses. Certificates are always verified.",
    )
    campuses: Mapping[str, CampusTls] = Field(
        default_factory=dict,
        description="Campuses to which this does not apply, by consumer key, as in { example = { ca_file = "
        '"/etc/ssl/example.pem", minimum_tls = "1.3" } }: an authority that is trusted there only, another version '
        "of TLS. In the environment: the same as JSON.",
    )

    @property
    def policy(self) -> Policy:
        """Where requests may go."""
        return Policy(allow_http=self.allow_http, allow_networks=self.allow_networks)

    def trust(self, consumer_key: str = "") -> ssl.SSLContext:
        """
        By which certificates and TLS a campus is spoken to; without a key, any that is not named.

        Raises:
            OSError: A ``ca_file`` cannot be read, or (as ``ssl.SSLError``) holds no certificate.
        """
        own = self.campuses.get(consumer_key, CampusTls())
        return trust(own.ca_file or self.ca_file, own.minimum_tls or self.minimum_tls)


class Worker(Section):
    """How the work is spread, and how it ends."""

    partitions: Annotated[int, Field(ge=1, le=64)] = Field(
        4,
        description="Queues over which assignments are spread, 1 to 64. The same for all daemons on one Redis.",
    )
    drain_seconds: Wait = Field(
        15,
        description="How long a stopping daemon waits for the requests under way.",
    )


class Web(Section):
    """The daemon's own pages."""

    host: Name = Field(
        "127.0.0.1",
        description="Where /metrics, /livez, /readyz and /statusz are served. They ask for no password: keep them off "
        "public addresses.",
    )
    port: Port = Field(
        9871,
        description="0 lets the system choose one.",
    )


class Log(Section):
    """What is told of the work."""

    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = Field(
        "info",
        description="debug, info, warning or error.",
    )
    format: Annotated[Literal["console", "json"], BeforeValidator(lower)] = Field(
        "console",
        description="console for people, json for machines (whose times are always UTC).",
    )
    timezone: str = Field(
        "UTC",
        description="The time zone in which people are shown times: UTC, local (the machine's), or a name such as "
        "Europe/Berlin.",
    )

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        zone(name)
        return name


class Retention(Section):
    """What is kept for how many days."""

    stream_days: Days = Field(
        7,
        description="Events that were applied stay in the stream for this long.",
    )
    ledger_days: Days = Field(
        365,
        description="The ledger of attempts.",
    )
    quarantine_days: Days = Field(
        90,
        description="Events that could not be applied.",
    )


class Config(Section):
    database: Database = Field(default_factory=Database)
    redis: Redis = Field(default_factory=Redis)
    outcomes: Outcomes = Field(default_factory=Outcomes)
    secrets: Secrets = Field(default_factory=Secrets)
    egress: Egress = Field(default_factory=Egress)
    worker: Worker = Field(default_factory=Worker)
    web: Web = Field(default_factory=Web)
    log: Log = Field(default_factory=Log)
    retention: Retention = Field(default_factory=Retention)


def sections() -> dict[str, type[Section]]:
    """Every section by its name, in the order of the file."""
    return {
        name: section.annotation
        for name, section in Config.model_fields.items()
        if isinstance(section.annotation, type) and issubclass(section.annotation, Section)
    }


def keys() -> dict[str, object]:
    """Every ``section.key`` with the type of its value."""
    return {
        f"{name}.{key}": info.annotation
        for name, section in sections().items()
        for key, info in section.model_fields.items()
    }
