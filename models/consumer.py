"""The campus LMSs that launch the tool."""

import hashlib
from urllib.parse import urlsplit

from tortoise import fields
from tortoise.models import Model

#: Characters of a consumer key and of a name.
MAX_KEY, MAX_NAME = 255, 255
#: Characters that are kept of a ``tool_consumer_instance_guid``.
MAX_GUID = 255
#: In place of a guid: launches of any instance are taken.
ANY_INSTANCE = "*"
#: Characters of a scheme, host and port.
MAX_ORIGIN = 300


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
    # ``tool_consumer_instance_guid`` (LTI 1.1, section 3): another instance with the same key is a copy.
    instance_guid = fields.CharField(max_length=MAX_GUID, null=True)
    # When the operator paused it, milliseconds since 1970.
    paused_at = fields.BigIntField(null=True)

    class Meta:
        table = "lti_consumer"
        table_description = "Campus LMSs"


async def find_consumer(key: str) -> LtiConsumer | None:
    """The consumer with that key, if there is one; a key may be of any length."""
    return await LtiConsumer.get_or_none(consumer_key=key) if len(key) <= MAX_KEY else None
