"""The campus LMSs that launch the tool, and the addresses at which they take grades."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement, storable

#: Characters of a consumer key and of a name, as LTI providers in the field have it.
MOST_KEY, MOST_NAME = 32, 255
#: Characters of a scheme, host and port.
MOST_ORIGIN = 300


def digest(text: str) -> str:
    """SHA-256 in hex: what long texts are unique by, since they can be longer than an index takes."""
    return hashlib.sha256(text.encode()).hexdigest()


def origin(url: str) -> str:
    """
    Scheme, host and port of a URL, lower-cased: the campus as a network sees it.

    Raises:
        ValueError: *url* is not an absolute http or https URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("not an absolute http or https URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}:{port}"


class LtiConsumer(Model):
    """A campus LMS, known by its OAuth consumer key (LTI 1.1, 4.2)."""

    id = fields.BigIntField(primary_key=True)
    consumer_name = fields.CharField(max_length=MOST_NAME, unique=True)
    consumer_key = fields.CharField(max_length=MOST_KEY, unique=True)
    # As :mod:`models.encryption` stores secrets.
    consumer_secret = fields.TextField()
    # What the secret will be once the campus has changed it, and whether it is that one's turn: after a refusal.
    pending_secret = fields.TextField(null=True)
    pending_turn = fields.BooleanField(db_default=False)
    # ``tool_consumer_instance_guid``; a hint for people, never a key.
    instance_guid = fields.CharField(max_length=255, null=True)
    # Milliseconds since 1970: since when the operator lets nothing go there.
    paused_at = fields.BigIntField(null=True)

    class Meta:
        table = "lti_consumer"
        table_description = "Campus LMSs"


class OutcomeService(Model):
    """One ``lis_outcome_service_url`` of one consumer; the same URL may serve two consumers."""

    id = fields.BigIntField(primary_key=True)
    lti_consumer: fields.ForeignKeyRelation[LtiConsumer] = fields.ForeignKeyField(
        "models.LtiConsumer", related_name="services", on_delete=fields.CASCADE
    )
    lis_outcome_service_url = fields.TextField()
    url_digest = fields.CharField(max_length=64)
    # Scheme, host and port: with the consumer, the campus that a gate stands before.
    origin = fields.CharField(max_length=MOST_ORIGIN)
    # What went wrong there last, in the campus's words, and when, in milliseconds since 1970. Kept here since a look
    # through the ledger for it would be a long one where little goes wrong.
    last_error = fields.TextField(null=True)
    last_error_at = fields.BigIntField(null=True)

    lti_consumer_id: int

    class Meta:
        table = "outcome_service"
        table_description = "Where campuses take grades"
        unique_together = (("lti_consumer", "url_digest"),)


_NOTE_ERROR = Statement("""
    UPDATE outcome_service SET last_error = :words, last_error_at = :now WHERE id = :id RETURNING id""")


async def note_error(outcome_service_id: int, words: str, *, now: int) -> None:
    """An attempt failed there. *now*: milliseconds since 1970."""
    await _NOTE_ERROR.rows(id=outcome_service_id, words=storable(words, 2000), now=now)
