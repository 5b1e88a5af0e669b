"""The ledger: a delivery record for each attempt whose request may have left, and for each grade taken over."""

from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from typing import Literal

from tortoise import fields
from tortoise.models import Model

from models.assignment import GradedAssignment
from models.db.sql import Statement, storable
from models.stream_position import MAX_ENTRY_ID
from models.value_class import value_class

DeliveryResult = Literal[
    "accepted", "refused", "retried", "ambiguous", "misconfigured", "unknown", "overtaken", "baseline"
]

#: Results with which the campus counts as holding the score: it acknowledged it, or another system sent it before us.
HELD = ("accepted", "baseline")

#: ``code_major`` of the record of a score in whose place a later grade at the campus, not sent from here, is kept.
OVERRULED = "overruled"

#: A record by which the campus holds no grade of ours; the partial index has the same words.
UNGRADED = f"code_major = '{OVERRULED}' OR (result = 'accepted' AND score = '')"


class Delivery(Model):
    """One attempt. Unique by assignment and claim token, so that writing a record twice is harmless."""

    id = fields.BigIntField(primary_key=True)
    assignment: fields.ForeignKeyRelation[GradedAssignment] = fields.ForeignKeyField(
        "models.GradedAssignment", related_name="deliveries", on_delete=fields.CASCADE
    )
    claim_token = fields.BigIntField()
    # Milliseconds since 1970.
    at = fields.BigIntField()
    attempt = fields.IntField()
    # The assignment's version that was sent.
    version = fields.BigIntField()
    # The stream entry of the newest change that it knew of; null where that is not known.
    entry_id = fields.CharField(max_length=MAX_ENTRY_ID, null=True)
    # Wire text; null where the attempt was lost before it could be noted.
    score = fields.CharField(max_length=32, null=True)
    clamped = fields.BooleanField(default=False)
    result = fields.CharField(max_length=16)
    http_status = fields.IntField(null=True)
    code_major = fields.CharField(max_length=64, null=True)
    # The LMS's message, bounded and redacted.
    description = fields.TextField(default="")
    duration_ms = fields.IntField(null=True)

    assignment_id: int

    class Meta:
        table = "delivery"
        table_description = "Ledger of attempts"
        unique_together = (("assignment", "claim_token"),)
        indexes = (("at",),)


@value_class()
class DeliveryRecord:
    """What one attempt came to. *at*: milliseconds since 1970. *duration_ms*: first byte written to last one read."""

    assignment_id: int
    claim_token: int
    at: int
    attempt: int
    version: int
    result: DeliveryResult
    entry_id: str | None = None
    score: str | None = None
    clamped: bool = False
    http_status: int | None = None
    code_major: str | None = None
    description: str = ""
    duration_ms: int | None = None


_NAMES = [one.name for one in fields_of(DeliveryRecord)]
_COLUMNS = ", ".join(_NAMES)

# What the LMS said of the learner before is not kept with a row that is another's now.
_OWN_WORDS = """CASE WHEN version < (SELECT learner_version FROM graded_assignment WHERE id = given.assignment_id)
        THEN '' ELSE description END"""
# The holder of a claim that was rescued completes the record if it comes back.
_WRITE = Statement(
    f"""
    INSERT INTO delivery ({_COLUMNS}) SELECT {_COLUMNS.replace("description", _OWN_WORDS)} FROM {{given}}
    WHERE TRUE -- without it SQLite takes the next word for a join's
    ON CONFLICT (assignment_id, claim_token) DO UPDATE SET
        at = excluded.at, entry_id = excluded.entry_id, score = excluded.score, clamped = excluded.clamped,
        result = excluded.result, http_status = excluded.http_status, code_major = excluded.code_major,
        description = excluded.description, duration_ms = excluded.duration_ms
    RETURNING id""",
    given="assignment_id BIGINT, claim_token BIGINT, at BIGINT, attempt INT, version BIGINT, entry_id VARCHAR, "
    "score VARCHAR, clamped BOOLEAN, result VARCHAR, http_status INT, code_major VARCHAR, description VARCHAR, "
    "duration_ms INT",
)

_FORGET_LOST = Statement(
    """
    DELETE FROM delivery WHERE result = 'unknown' AND id IN (
        SELECT delivery.id FROM {given} JOIN delivery
        ON delivery.assignment_id = given.assignment_id AND delivery.claim_token = given.token)
    RETURNING id""",
    given="assignment_id BIGINT, token BIGINT",
)

_ENDED = Statement(
    """
    SELECT delivery.assignment_id AS id FROM {given} CROSS JOIN delivery
    WHERE delivery.assignment_id = given.assignment_id AND delivery.claim_token = given.token
        AND delivery.result <> 'unknown'""",
    given="assignment_id BIGINT, token BIGINT",
)

# A refusal of which the reason is not known: the LMS says that it failed, and not that it is busy.
_FAILURES, _BUSY = ("failure", "unsupported"), (408, 425, 429)

#: :func:`is_unexplained`, as SQL over `delivery`.
UNEXPLAINED = f"result = 'retried' AND code_major IN {_FAILURES} AND COALESCE(http_status, 0) NOT IN {_BUSY}"

_COUNT_UNEXPLAINED = Statement(f"""
    SELECT COUNT(*) AS number FROM delivery
    WHERE assignment_id = :id AND {UNEXPLAINED}
        AND at > (SELECT COALESCE(sent_at, 0) FROM graded_assignment WHERE id = :id)""")


async def forget_messages(assignment_id: int) -> None:
    """Delete what the LMS said to attempts of an assignment that is another learner's now: it may hold a name."""
    await Delivery.filter(assignment_id=assignment_id).exclude(description="").update(description="")


async def write_deliveries(records: Iterable[DeliveryRecord]) -> None:
    """Write, or complete, the records of different attempts."""
    given = [
        {
            **{name: getattr(one, name) for name in _NAMES},
            "code_major": None if one.code_major is None else storable(one.code_major, 64),
            "description": storable(one.description, 2000),
        }
        for one in records
    ]
    if given:
        await _WRITE.rows(given=given)


async def forget_lost_deliveries(tokens: Mapping[int, int]) -> None:
    """The holders of these claim tokens, by assignment, came back, and had sent nothing."""
    if tokens:
        await _FORGET_LOST.rows(given=_attempts(tokens))


async def read_ended(tokens: Mapping[int, int]) -> set[int]:
    """Of assignments, with a claim token each, those whose attempt's record says how it ended."""
    return {row["id"] for row in await _ENDED.rows(given=_attempts(tokens))} if tokens else set()


def _attempts(tokens: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"assignment_id": assignment_id, "token": token} for assignment_id, token in tokens.items()]


def is_unexplained(record: DeliveryRecord) -> bool:
    """Whether the campus refused the grade, in words of which the reason is not known."""
    return record.result == "retried" and record.code_major in _FAILURES and record.http_status not in _BUSY


def is_overruled(record: DeliveryRecord) -> bool:
    """Whether the campus kept a later grade, which was not sent from here."""
    return record.result == "overtaken" and record.code_major == OVERRULED


async def scores_in_doubt(assignment_id: int, *, after: int) -> list[str | None]:
    """
    The scores (wire text) of attempts with a later version than *after* that the campus may have stored.

    None: that of a daemon that did not come back to say it.
    """
    doubts = Delivery.filter(assignment_id=assignment_id, result__in=("ambiguous", "unknown"), version__gt=after)
    return [score for (score,) in await doubts.values_list("score")]


async def count_unexplained(assignment_id: int) -> int:
    """How often :func:`is_unexplained` holds of an assignment since the campus last accepted a grade."""
    row = await _COUNT_UNEXPLAINED.row(id=assignment_id)
    return int(row["number"]) if row else 0
