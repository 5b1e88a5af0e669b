"""All settings with their defaults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from actors.egress import Egress
from actors.retry import MAX_ATTEMPTS
from actors.tls import MinimumTls
from daemon.config import values
from daemon.config.intake_tokens import IntakeToken
from daemon.config.urls import EMBEDDED
from models.debounce import Debounce
from models.encryption import Cipher


class Section(BaseModel):
    """The docstring below a key is its description in ``config.toml``."""

    # Strict, since a number in quotes or a 1 for true is more often a slip than a wish.
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, validate_default=True, use_attribute_docstrings=True
    )


class DatabaseSection(Section):
    """Where grades and their deliveries are stored."""

    url: values.DatabaseUrl = "sqlite://state/passbackd.db"
    """sqlite://relative.db, sqlite:///absolute.db, or postgresql://user:password@host/database for production (with
    ?sslmode=verify-full where the network is not yours)."""
    migrate_on_start: bool = True
    """Apply schema migrations when the daemon starts. With false, run `passbackd migrate` yourself."""


class RedisSection(Section):
    """The event stream and the job queue."""

    url: values.RedisUrl = EMBEDDED
    """"embedded": the daemon runs a Valkey server of its own. Else redis://user:password@host:6379/0 or rediss://...
    (TLS) of a Redis 6.2 or newer, or of a Valkey."""
    stream: values.Name = "passback:events"
    """The stream to which the tool writes its events."""
    dramatiq_namespace: values.Name = "passback:dramatiq"
    """The prefix of the job queue's keys."""
    embedded_dir: values.File = Path("state/valkey")
    """Where the embedded server keeps its data and its password (the file `password`)."""
    embedded_port: values.Port = 9872
    """The port of the embedded server on 127.0.0.1; 0 lets the system choose one."""

    @property
    def embedded(self) -> bool:
        """Whether the daemon runs a server of its own."""
        return self.url == EMBEDDED


class OutcomesSection(Section):
    """When grades are sent, and how many at once."""

    composite_delay_seconds: values.Delay = 900
    """The score of a block with several problems is sent when it has not changed for this long..."""
    composite_max_delay_seconds: values.Delay = 3600
    """...but no later than this long after its first change."""
    timeout_seconds: values.Timeout = 10
    """The time limit for a campus's whole answer."""
    hold_seconds: values.Seconds = 20
    """After a request that may or may not have arrived, nothing is sent for that assignment for this long."""
    max_connections: values.Count = 200
    """Connections of one daemon to all campuses together, each an open file. Slow campuses, which take more than a
    second, have half of them at most: with hundreds of campuses, have one for each."""
    max_per_campus: values.Count = 4
    """Concurrent requests to one campus (a consumer at one scheme, host and port), of all daemons together, and of
    `passbackd reconcile`. A campus that says that it is busy gets fewer for a while. More than 12 at once trip the rate
    limit of Canvas."""
    max_attempts: values.Count = MAX_ATTEMPTS
    """Attempts until a score is parked; 80 take more than a week."""
    skip_unchanged: bool = True
    """Do not send again what the campus already has."""
    profiles: values.Profiles = Field(default_factory=dict)
    """How the LMS of a consumer answers, by consumer key, as in { example = "canvas" }: default, canvas, moodle,
    openedx, aplus, sakai, d2l or blackboard. Others are recognised by their answers, over LTI 1.3 by their launches
    too. In the environment: example=canvas, other=moodle."""
    prioritize_non_tool_grade: values.ConsumerKeys = ()
    """The keys of LTI 1.1 consumers at whose Canvas a grade that a teacher has set is kept, whatever is sent."""

    @field_validator("composite_max_delay_seconds")
    @classmethod
    def _is_not_below_the_delay(cls, longest: float, info: ValidationInfo) -> float:
        delay = info.data.get("composite_delay_seconds")
        if delay is not None and longest < delay:
            raise ValueError(
                f"{longest:g} is less than outcomes.composite_delay_seconds, {delay:g}: raise this or lower that"
            )
        return longest

    @property
    def debounce(self) -> Debounce:
        """How long a composite's grade waits."""
        return Debounce(int(self.composite_delay_seconds * 1000), int(self.composite_max_delay_seconds * 1000))


class SecretsSection(Section):
    """The keys that encrypt consumer secrets in the database."""

    keys: values.SecretKeys = ()
    """Keys that encrypt consumer secrets, the newest first: it encrypts, all decrypt. `passbackd secrets key` makes
    one; after a change run `passbackd secrets rotate`. Best given as a credential, one key a line. Without any, secrets
    are stored unencrypted."""

    @property
    def cipher(self) -> Cipher:
        """What encrypts and decrypts consumer secrets."""
        return Cipher([key.get_secret_value() for key in self.keys])


class CampusEgress(Section):
    """What differs for one consumer; what is None is as for the others."""

    allow_hosts: values.EgressHosts = ()
    allow_networks: values.Networks = ()
    ca_file: values.OptionalFile = None
    minimum_tls: MinimumTls | None = None


class KeysSection(Section):
    """The keys with which this tool signs what it says to LTI 1.3 platforms."""

    publish_ahead_hours: values.Ahead = 24
    """A new key is published at once, and signs this many hours later, since platforms keep the key set for a while.
    Those that keep it longer, or to which it is given by hand, need more."""

    @property
    def publish_ahead_ms(self) -> int:
        """The same in milliseconds."""
        return int(self.publish_ahead_hours * 3_600_000)


class EgressSection(Section):
    """Where requests may go."""

    allow_http: bool = False
    """Allow unencrypted http:// outcome URLs. They expose scores and can be spoofed; for tests only."""
    allow_networks: values.Networks = ()
    """Networks of campuses on private addresses, as in ["10.20.0.0/16"], open to every consumer: better open a
    campus's to its own consumer alone (`campuses`). Other private addresses are refused. Those of this machine and of
    clouds' metadata services must be named themselves: no wider network opens them. In the environment: with commas."""
    ca_file: values.OptionalFile = None
    """Certificates (PEM) to trust besides the system's; empty: only the system's."""
    minimum_tls: MinimumTls = "1.2"
    """The oldest version of TLS allowed for requests to campuses. Certificates are always verified."""
    campuses: Mapping[values.Name, CampusEgress] = Field(default_factory=dict)
    """Rules by consumer key, as in { example = { allow_hosts = ["lms.example.edu"], allow_networks = ["10.30.1.0/24"] }
    }: the only hosts that this consumer's outcome URLs may name (without them any public host), private networks that
    are open to it alone, and, likewise, ca_file and minimum_tls. In the environment: the same as JSON."""

    @property
    def policy(self) -> Egress:
        """Where requests may go; ``policy.of(key)``: those of one consumer."""
        campuses = {
            key: Egress(
                allow_http=self.allow_http,
                allow_networks=self.of(key).allow_networks,
                allow_hosts=own.allow_hosts,
                setting=f"egress.campuses.{key}",
            )
            for key, own in self.campuses.items()
        }
        return Egress(allow_http=self.allow_http, allow_networks=self.allow_networks, campuses=campuses)

    def of(self, consumer_key: str) -> CampusEgress:
        """All that is in force for a consumer."""
        own = self.campuses.get(consumer_key, CampusEgress())
        return CampusEgress(
            allow_hosts=own.allow_hosts,
            allow_networks=(*self.allow_networks, *own.allow_networks),
            ca_file=own.ca_file or self.ca_file,
            minimum_tls=own.minimum_tls or self.minimum_tls,
        )


class WorkerSection(Section):
    """How the work is spread, and how it ends."""

    partitions: Annotated[int, Field(ge=1, le=64)] = 4
    """Queues over which assignments are spread, 1 to 64. The same for all daemons on one Redis."""
    drain_seconds: values.Seconds = 15
    """How long a stopping daemon waits for its requests to end."""


class WebSection(Section):
    """The daemon's own pages."""

    host: values.Name = "127.0.0.1"
    """Where /metrics, /jwks, /livez, /readyz and /statusz are served. They ask for no password: keep them off public
    addresses. LTI 1.3 platforms need /jwks, and that alone: have a web server pass it through by https."""
    port: values.Port = 9871
    """0 lets the system choose one."""
    names: values.Hosts = ()
    """Names by which the pages may be asked for, besides localhost, web.host and every IP address, as in
    ["passbackd.example.edu"]; no page of the web can then read them through a visitor's browser. In the environment:
    with commas."""
    proxies: values.Networks = ()
    """Addresses or networks of web servers before the pages, as in ["127.0.0.1/32"], which say where a visitor comes
    from (X-Forwarded-For) and, with web.user_header, who it is. In the environment: with commas."""
    proxy_secret: values.ProxySecret = None
    """What those web servers send in the header X-Passbackd-Proxy, without which they are not believed: 32 characters
    or more, best given as a credential."""
    user_header: values.UserHeader = ""
    """The header in which they say which user of the pages a visitor is, as in "X-User"; empty: none. They must replace
    what a visitor sends by that name."""


class IntakeSection(Section):
    """Events over HTTP, for tools that reach no Redis."""

    host: values.Name = "127.0.0.1"
    """Where POST /events is served. It speaks plain HTTP: between machines put a web server with TLS before it."""
    port: values.Port = 0
    """0: off."""
    tokens: values.IntakeTokens = ()
    """Bearer tokens, best given as a credential, one a line; two while one replaces the other. Behind a token
    type=score.changed limits it to events of that type, consumer=KEY to launches and assignment.disabled of that
    consumer or platform, and to events of types that are named beside it; each may be there several times. A program
    with an unlimited one can set every grade."""

    @field_validator("tokens")
    @classmethod
    def _is_there(cls, tokens: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        if not tokens and info.data.get("port"):
            raise ValueError("is empty, so that intake.port would refuse everything: add a token, or set the port to 0")
        return tokens

    @property
    def allowed(self) -> list[IntakeToken]:
        """The tokens with their limits."""
        return [IntakeToken.parse(line.get_secret_value()) for line in self.tokens]


class LogSection(Section):
    """What is logged, and in which form."""

    level: Annotated[Literal["debug", "info", "warning", "error"], values.LOWERED] = "info"
    """debug, info, warning or error."""
    format: Annotated[Literal["console", "json"], values.LOWERED] = "console"
    """console for people, json for machines (whose times are always UTC)."""
    timezone: values.Zone = "UTC"
    """The time zone of times for people: UTC, local (the machine's), or a name such as Europe/Berlin."""


class RetentionSection(Section):
    """For how many days data is kept."""

    stream_days: values.Days = 7
    """Events in the stream that are applied."""
    ledger_days: values.Days = 365
    """The ledger of attempts."""
    quarantine_days: values.Days = 90
    """Events that could not be applied."""


class Config(BaseModel):
    """All sections; ``Config()`` has the defaults, and :func:`daemon.config.load` reads the sources."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: DatabaseSection = DatabaseSection()
    redis: RedisSection = RedisSection()
    outcomes: OutcomesSection = OutcomesSection()
    secrets: SecretsSection = SecretsSection()
    keys: KeysSection = KeysSection()
    egress: EgressSection = EgressSection()
    worker: WorkerSection = WorkerSection()
    web: WebSection = WebSection()
    intake: IntakeSection = IntakeSection()
    log: LogSection = LogSection()
    retention: RetentionSection = RetentionSection()


def sections() -> dict[str, type[Section]]:
    """Every section by its name, in the order of the file."""
    return {name: type(info.default) for name, info in Config.model_fields.items()}


def keys() -> dict[str, FieldInfo]:
    """Every setting by its ``section.key``, in the order of the file."""
    return {f"{name}.{key}": info for name, section in sections().items() for key, info in section.model_fields.items()}
