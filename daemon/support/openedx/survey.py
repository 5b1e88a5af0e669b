"""What an import would do, and what speaks against it; nothing is changed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from actors.egress import Egress
from daemon.support.openedx.dump import DumpedConsumer
from daemon.support.openedx.store import DumpStore
from models.consumer import LtiConsumer, find_consumer, origin
from models.consumer_admin import ConsumerError, check_name
from models.encryption import Cipher

#: ``new``: it is not here yet. ``same``: it is here with this secret. ``other secret``: with another one.
ConsumerState = Literal["new", "same", "other secret"]


@dataclass(slots=True)
class ConsumerSurvey:
    """
    One consumer of the files.

    *sends*: whether it is here and not paused, so that its grades go out as they come. *refused*: addresses to which
    egress lets nothing go, with the reason. *cut*: sourcedids that were probably cut by the platform's column.
    *disabled*: assignments that are left out, since the site has disabled them. *unusable*: why it cannot be stored.
    """

    consumer: DumpedConsumer
    state: ConsumerState = "new"
    sends: bool = False
    assignments: int = 0
    disabled: int = 0
    learners: int = 0
    cut: int = 0
    origins: Counter[str] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    unusable: str = ""


@dataclass(slots=True)
class Survey:
    """*without_consumer*: assignments whose service or its consumer is not in the files; they are left out."""

    consumers: list[ConsumerSurvey]
    without_consumer: int = 0

    @property
    def launches(self) -> int:
        """Assignments that are brought over."""
        return sum(one.assignments - one.disabled for one in self.consumers)

    @property
    def unusable(self) -> list[str]:
        return [one.unusable for one in self.consumers if one.unusable]

    @property
    def differing(self) -> list[ConsumerSurvey]:
        """Consumers that are here with another secret."""
        return [one for one in self.consumers if one.state == "other secret"]


async def survey(store: DumpStore, cipher: Cipher, egress: Egress) -> Survey:
    """
    Compare what the files hold with what is here.

    Args:
        cipher: Of the secrets that are stored here.
        egress: What is allowed to each consumer.
    """
    learners = store.learners()
    found = {pk: await _consumer(one, cipher) for pk, one in sorted(store.consumers.items())}
    _check_keys(found.values())
    result = Survey(list(found.values()))
    for service in store.census():
        one = None if service.consumer_pk is None else found.get(service.consumer_pk)
        if one is None or service.url is None:
            result.without_consumer += service.assignments
            continue
        one.assignments += service.assignments
        one.disabled += service.disabled
        one.cut += service.cut
        one.learners = learners[one.consumer.pk]
        try:
            one.origins[origin(service.url)] += service.assignments
            egress.of(one.consumer.key).check_url(service.url)
        except ValueError as error:  # what egress refuses, too
            one.refused[service.url] = str(error)
    return result


async def _consumer(one: DumpedConsumer, cipher: Cipher) -> ConsumerSurvey:
    found = ConsumerSurvey(one)
    known = await find_consumer(one.key)
    if known is not None:
        found.sends = known.paused_at is None
        if known.issuer is not None:
            found.unusable = f"the key {one.key!r} is that of {known.consumer_name!r}, an LTI 1.3 platform"
            return found
        found.state = "same" if one.secret in _secrets(known, cipher) else "other secret"
    if found.state != "same":
        try:
            await check_name(one.name, one.key, such_as=f"{one.name} (Open edX)")
        except ConsumerError as error:
            found.unusable = f"{error}: change consumer_name in the file"
    return found


def _secrets(known: LtiConsumer, cipher: Cipher) -> list[str]:
    stored = (known.consumer_secret, known.pending_secret)
    return [cipher.decrypt(secret) for secret in stored if secret is not None]


def _check_keys(found: Iterable[ConsumerSurvey]) -> None:
    """Two objects of one key or name would change each other."""
    keys, names = set[str](), set[str]()
    for one in found:
        if one.consumer.key in keys or one.consumer.name in names:
            one.unusable = f"two consumers of the files have the key {one.consumer.key!r} or the name of this one"
        keys.add(one.consumer.key)
        names.add(one.consumer.name)
