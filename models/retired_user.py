"""Learners whose data is deleted and whose older events are refused."""

import hashlib
import hmac
from collections.abc import Iterable

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement
from models.stream_position import Position


class RetiredUser(Model):
    """A learner whose data is deleted: a keyed digest of the id, and the date."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    # Microseconds since 1970: older events about this learner are refused.
    retired_us = fields.BigIntField()

    class Meta:
        table = "retired_user"
        table_description = "Learners who must stay forgotten"


_RETIRED = Statement(
    """
    SELECT retired_user.digest AS digest, retired_us FROM {given} CROSS JOIN retired_user
    WHERE retired_user.digest = given.digest""",
    given="digest VARCHAR",
)


def digest_of(user_id: str, position: Position) -> str:
    """The keyed digest of a learner's id, in hex."""
    return hmac.new(bytes.fromhex(position.digest_key), user_id.encode(), hashlib.sha256).hexdigest()


async def retired_since(user_ids: Iterable[str], position: Position) -> dict[str, int]:
    """Those of the learners who were retired, and when, in microseconds since 1970."""
    digests = {digest_of(user_id, position): user_id for user_id in user_ids}
    rows = await _RETIRED.rows(given=[{"digest": digest} for digest in digests])
    return {digests[row["digest"]]: row["retired_us"] for row in rows}


async def is_retired(user_id: str, position: Position, *, modified_us: int) -> bool:
    """Whether an event of that time is about a learner who was retired since."""
    return modified_us <= (await retired_since([user_id], position)).get(user_id, modified_us - 1)
