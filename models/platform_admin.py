"""Adding LTI 1.3 platforms; :mod:`models.consumer_admin` pauses and removes them as all campuses."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from models.consumer import LtiConsumer, find_consumer
from models.consumer_admin import ConsumerError, check_name, store_set_up
from models.db.sql import Statement
from models.quarantine import label_events

_DEPLOYMENTS = Statement("""
    SELECT MIN(deployment_id) AS least, MAX(deployment_id) AS greatest FROM outcome_service
    WHERE lti_consumer_id = :platform_id""")


@dataclass(frozen=True, slots=True)
class PlatformRecord:
    """
    A platform as it is to be stored (1EdTech Security Framework 1.0, section 4).

    *key*: what commands know it by. *product*: which one it is (:mod:`actors.profiles`). What is None stays as it was;
    of a new platform it is not known, and *token_audience* is the token URL, as where the token URL or a product that
    was known changes: the audience was that of the token server before.
    """

    name: str
    key: str
    issuer: str
    client_id: str
    token_url: str
    token_audience: str | None = None
    deployment_id: str | None = None
    product: str | None = None


async def add_platform(
    platform: PlatformRecord,
    *,
    now: int,
    replace: bool = False,
    record: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """
    Add a platform; of a known key, change everything that is given, and have what waited for that sent.

    Args:
        now: Milliseconds since 1970 by the database's clock.
        replace: Whether a known key may be changed.
        record: Called at the end of the transaction that stores it.

    Returns:
        Whether it is new.

    Raises:
        ConsumerError: The key is known and may not be changed, or is that of an LTI 1.1 consumer; another key has this
            name, or this issuer and client id.
    """
    return await store_set_up(lambda: _store(platform, replace=replace), record, now=now)


async def note_signing_key(platform_id: int, kid: str) -> None:
    """Record which of the tool's keys a platform accepted last."""
    await LtiConsumer.filter(id=platform_id).update(signing_kid=kid)


async def platform_for_token(platform_id: int) -> LtiConsumer | None:
    """
    A platform as a token is asked for; not to be saved. None if it is gone.

    A token is of all of a platform's deployments: its ``deployment_id`` is what the operator said, else what launches
    named if all that named one named the same, else None.
    """
    platform = await LtiConsumer.get_or_none(id=platform_id)
    if platform is not None and platform.deployment_id is None:
        (named,) = await _DEPLOYMENTS.rows(platform_id=platform_id)
        platform.deployment_id = named["least"] if named["least"] == named["greatest"] else None
    return platform


async def _store(platform: PlatformRecord, *, replace: bool) -> int | None:
    """The id of the platform that was changed; None for a new one."""
    await check_name(platform.name, platform.key, such_as=f"{platform.name} (LTI 1.3)")
    same = await LtiConsumer.get_or_none(issuer=platform.issuer, client_id=platform.client_id)
    if same is not None and same.consumer_key != platform.key:
        raise ConsumerError(
            f"{same.consumer_name!r}, with the key {same.consumer_key!r}, has the client id {platform.client_id!r} at "
            f"{platform.issuer} already: nothing was changed"
        )
    columns: dict[str, Any] = {
        "consumer_name": platform.name,
        "issuer": platform.issuer,
        "client_id": platform.client_id,
        "token_url": platform.token_url,
        # What the one before accepted says nothing of this one.
        "signing_kid": None,
    }
    given = {name: getattr(platform, name) for name in ("token_audience", "deployment_id", "product")}
    columns |= {name: value for name, value in given.items() if value is not None}
    known = await find_consumer(platform.key)
    if known is None:
        await LtiConsumer.create(consumer_key=platform.key, consumer_secret="", **columns)
        if platform.key != platform.client_id:
            await label_events(platform.issuer, platform.client_id, platform.key)
        return None
    if known.issuer is None:
        raise ConsumerError(
            f"the key {platform.key!r} is that of {known.consumer_name!r}, an LTI 1.1 consumer, whose grades go on "
            "over 1.1: give the platform another one with --key"
        )
    if not replace:
        raise ConsumerError(
            f"the key {platform.key!r} is that of {known.consumer_name!r} already: nothing was changed; --replace "
            "changes it"
        )
    if _has_another_server(platform, known):
        columns["token_audience"] = platform.token_audience
    await LtiConsumer.filter(id=known.id).update(**columns)
    return int(known.id)


def _has_another_server(platform: PlatformRecord, known: LtiConsumer) -> bool:
    """Whether what was known of the token server is not that of this platform."""
    is_another_product = None not in (platform.product, known.product) and platform.product != known.product
    return is_another_product or platform.token_url != known.token_url
