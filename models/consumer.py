"""The campus LMSs that launch the tool."""

import hashlib
from typing import Literal
from urllib.parse import urlsplit

from tortoise import fields
from tortoise.models import Model

#: Characters of a consumer key and of a name.
MAX_KEY, MAX_NAME = 255, 255
#: Characters that are kept of a ``tool_consumer_instance_guid``.
MAX_GUID = 255
#: In place of a guid: launches of any instance are taken.
ANY_INSTANCE = "*"
#: Characters of an issuer.
MAX_ISSUER = 255
#: Characters of a scheme, host and port.
MAX_ORIGIN = 300

#: The version of LTI over which a campus takes grades.
ProtocolName = Literal["lti-1.1", "lti-1.3"]
#: That of a consumer, as SQL over `lti_consumer`.
PROTOCOL = "CASE WHEN lti_consumer.issuer IS NULL THEN 'lti-1.1' ELSE 'lti-1.3' END"


def digest(text: str) -> str:
    """SHA-256 in hex, for unique indexes of texts that are longer than an index takes."""
    return hashlib.sha256(text.encode()).hexdigest()


def origin(url: str) -> str:
    """Scheme, host and port of a URL, lower-cased; raises ValueError unless it is an absolute http or https URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an absolute http or https URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}:{port}"


class LtiConsumer(Model):
    """A campus LMS, known by its OAuth consumer key (LTI 1.1, 4.2)."""

    id = fields.BigIntField(primary_key=True)
    consumer_name = fields.CharField(max_length=MAX_NAME, unique=True)
    consumer_key = fields.CharField(max_length=MAX_KEY, unique=True)
    # As :mod:`models.encryption` stores secrets.
    consumer_secret = fields.TextField()
    # The secret after the campus has changed its own; both are tried.
    pending_secret = fields.TextField(null=True)
    # An LTI 1.3 platform (1EdTech Security Framework 1.0, section 4): what it calls itself, and this tool; null: the
    # consumer speaks LTI 1.1, and has a secret.
    issuer = fields.CharField(max_length=MAX_ISSUER, null=True)
    client_id = fields.CharField(max_length=MAX_KEY, null=True)
    # Where it gives access tokens, and the ``aud`` that it expects there; null: the URL itself.
    token_url = fields.TextField(null=True)
    token_audience = fields.TextField(null=True)
    # The deployment, where the launch does not say.
    deployment_id = fields.CharField(max_length=MAX_KEY, null=True)
    # Which product it is (:mod:`actors.profiles`), by the operator or by a launch; null: not known.
    product = fields.CharField(max_length=16, null=True)
    # Which of the tool's keys it accepted last.
    signing_kid = fields.CharField(max_length=64, null=True)
    # ``tool_consumer_instance_guid`` (LTI 1.1, section 3): another instance with the same key is a copy.
    instance_guid = fields.CharField(max_length=MAX_GUID, null=True)
    # When the operator paused it, milliseconds since 1970.
    paused_at = fields.BigIntField(null=True)
    # When the operator last corrected or resumed it, likewise; 0: never.
    corrected_at = fields.BigIntField(db_default=0)

    class Meta:
        table = "lti_consumer"
        table_description = "Campus LMSs"
        unique_together = (("issuer", "client_id"),)


async def find_consumer(key: str) -> LtiConsumer | None:
    """The consumer with that key, if there is one; a key may be of any length."""
    return await LtiConsumer.get_or_none(consumer_key=key) if len(key) <= MAX_KEY else None


async def find_platform(issuer: str, client_id: str) -> LtiConsumer | None:
    """The LTI 1.3 platform that calls itself and this tool so, if there is one; both may be of any length."""
    if len(issuer) > MAX_ISSUER or len(client_id) > MAX_KEY:
        return None
    return await LtiConsumer.get_or_none(issuer=issuer, client_id=client_id)


async def note_product(platform_id: int, product: str) -> bool:
    """Store which product a platform is, unless that is known. Returns whether it was stored."""
    return bool(await LtiConsumer.filter(id=platform_id, product=None).update(product=product))
