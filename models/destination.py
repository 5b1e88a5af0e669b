"""Where a launch's grade goes: its consumer or platform, and the outcome service or line item. In a transaction."""

import shlex

from models.campus import OutcomeService, ensure_campus, is_further_origin
from models.consumer import MAX_KEY, MAX_ORIGIN, LtiConsumer, digest, find_consumer, find_platform, note_product, origin
from models.db.sql import Statement
from models.launch import Registration, RegistrationError

#: Products as :mod:`actors.profiles` names them, by ``product_family_code`` of a launch, in lower case.
PRODUCTS = {
    "canvas": "canvas",
    "moodle": "moodle",
    "desire2learn": "d2l",
    "d2l": "d2l",
    "brightspace": "d2l",
    "blackboardlearn": "blackboard",
    "blackboard": "blackboard",
    "sakai": "sakai",
    "openedx": "openedx",
    "open edx": "openedx",
    "aplus": "aplus",
    "a+": "aplus",
}


_PARKED = Statement("""
    SELECT MAX(parked_at) AS at FROM graded_assignment
    WHERE outcome_service_id = :service_id AND parked_scope = 'course'""")


async def consumer_of(launch: Registration) -> LtiConsumer:
    """Who launched; raises RegistrationError if that is not known."""
    if launch.platform is not None:
        return await platform_named(launch.platform.issuer, launch.platform.client_id)
    return await consumer_named(launch.consumer_key)


async def consumer_named(key: str) -> LtiConsumer:
    """The LTI 1.1 consumer with that key; raises RegistrationError if there is none."""
    consumer = await find_consumer(key)
    if consumer is None:
        raise RegistrationError(f"unknown consumer {key[:64]!r}: add it with `passbackd consumer add NAME --key KEY`")
    if consumer.issuer is not None:
        raise RegistrationError(
            f"{key[:64]!r} is the key of an LTI 1.3 platform, which has no oauth_consumer_key: send issuer, client_id, "
            "or add the LTI 1.1 consumer under a key of its own with `passbackd consumer add NAME --key KEY`"
        )
    return consumer


async def platform_named(issuer: str, client_id: str) -> LtiConsumer:
    """The LTI 1.3 platform; raises RegistrationError if it is not known."""
    platform = await find_platform(issuer, client_id)
    if platform is None:
        raise RegistrationError(
            f"unknown platform, with issuer {issuer[:255]!r} and client id {client_id[:64]!r}: add it with "
            f"`passbackd platform add NAME --issuer {shlex.quote(issuer[:255])} "
            f"--client-id {shlex.quote(client_id[:255])} --token-url URL`, where --kind may fill in the URL"
            f"{await _elsewhere(client_id)}"
        )
    return platform


async def _elsewhere(client_id: str) -> str:
    """What to look at first where a platform has this client id under another issuer: one letter may differ."""
    if len(client_id) > MAX_KEY:
        return ""
    other = await LtiConsumer.exclude(issuer=None).filter(client_id=client_id).order_by("id").first()
    if other is None:
        return ""
    return (
        f"; it needs a --key of its own; but {other.consumer_name!r} has this client id with the issuer "
        f"{other.issuer!r}, and each letter counts: if one of the two is wrong, correct that instead"
    )


async def learn_product(consumer: LtiConsumer, launch: Registration) -> None:
    """Store which product a platform is, if its launch says so and it was not known."""
    family = None if launch.platform is None else launch.platform.product_family
    product = PRODUCTS.get((family or "").strip().lower())
    if product is not None and consumer.product is None:
        await note_product(consumer.id, product)


async def service_of(consumer: LtiConsumer, launch: Registration) -> tuple[OutcomeService, str | None]:
    """The outcome service, and the origin of its URL if it is new to a consumer that has others."""
    url, what = launch.lis_outcome_service_url, launch.url_field
    try:
        where = origin(url)
    except ValueError as error:
        raise RegistrationError(f"{what}: {error}") from error
    if len(where) > MAX_ORIGIN:
        raise RegistrationError(f"{what}: its host is longer than {MAX_ORIGIN} characters")
    campus_id = await ensure_campus(consumer.id, where)
    service, is_new = await OutcomeService.get_or_create(
        {"lis_outcome_service_url": url, "campus_id": campus_id, "wanted_for": launch.wanted_for},
        lti_consumer=consumer,
        url_digest=digest(launch.place),
    )
    if service.found_id is not None:
        service = await _found(service, launch)
    return service, where if is_new and await is_further_origin(service) else None


async def _found(service: OutcomeService, launch: Registration) -> OutcomeService:
    """The service of the line item that was found; one is wanted again if the LMS has refused that one since."""
    found = await OutcomeService.get(id=service.found_id)
    refused_at = found.refused_at
    if refused_at is None:
        # A column that was deleted: there is an answer, which says that this one is not there.
        (row,) = await _PARKED.rows(service_id=found.id)
        refused_at = None if (row["at"] or 0) <= (found.accepted_at or 0) else row["at"]
    if refused_at is None or launch.modified_us <= refused_at * 1000:
        return found
    await OutcomeService.filter(id=service.id).update(found_id=None, look_at=0)
    service.found_id = None
    return service


async def note_offered(service: OutcomeService, launch: Registration) -> None:
    """
    Store what a launch that is not stale says of its outcome service, unless that is older than what is known.

    Launches of other learners say so too, and an old one may come late.
    """
    if launch.modified_us < service.offered_us:
        return
    deployment_id = None if launch.platform is None else launch.platform.deployment_id
    offered_us = None if launch.offered is None else launch.modified_us
    said = {"offered": launch.offered, "offered_us": offered_us, "deployment_id": deployment_id}
    changed = {name: value for name, value in said.items() if value is not None and value != getattr(service, name)}
    if changed:
        await OutcomeService.filter(id=service.id).update(**changed)
