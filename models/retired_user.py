"""Learners whose data is deleted and whose older events are refused."""

from collections.abc import Iterable

from tortoise import fields
from tortoise.models import Model

from models.db.sql import Statement
from models.moment import MAX_PLACE, Moment
from models.stream_position import Position


class RetiredUser(Model):
    """A learner whose data is deleted: a keyed digest of the id, and the date."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    # Microseconds since 1970, and the place of the entry: older events about this learner are refused.
    retired_us = fields.BigIntField()
    place = fields.CharField(max_length=MAX_PLACE, db_default="")

    class Meta:
        table = "retired_user"
        table_description = "Learners who must stay forgotten"

    @property
    def moment(self) -> Moment:
        return Moment(self.retired_us, self.place)


class RetiredName(Model):
    """A campus's name of a retired learner, sourcedid or user id, by which an event may name them alone: likewise."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)
    retired_us = fields.BigIntField()
    place = fields.CharField(max_length=MAX_PLACE, db_default="")

    class Meta:
        table = "retired_name"
        table_description = "Campuses' names of learners who must stay forgotten"


_RETIRED = Statement(
    """
    SELECT retired_user.digest AS digest, retired_us, place FROM {given} CROSS JOIN retired_user
    WHERE retired_user.digest = given.digest""",
    given="digest VARCHAR",
)


def digest_of(user_id: str, position: Position) -> str:
    """The keyed digest of a learner's id, in hex."""
    return position.keyed_digest(user_id)


def digests_of_names(
    consumer_key: str | None, *, sourcedid_digest: str | None, lti_user_id: str | None, position: Position
) -> set[str]:
    """The keyed digests of the names that a campus has for a learner, in hex."""
    names = {"sourcedid": sourcedid_digest, "user": lti_user_id}
    return {
        digest_of(f"{kind}\n{consumer_key}\n{name}", position) for kind, name in names.items() if consumer_key and name
    }


async def is_retired_name(digests: Iterable[str], *, moment: Moment) -> bool:
    """Whether an event of that moment names a learner who was retired since, as a campus does."""
    rows = await RetiredName.filter(digest__in=list(digests))
    return any(moment <= Moment(row.retired_us, row.place) for row in rows)


async def retired_since(user_ids: Iterable[str], position: Position) -> dict[str, Moment]:
    """Those of the learners who were retired, and when."""
    digests = {digest_of(user_id, position): user_id for user_id in user_ids}
    rows = await _RETIRED.rows(given=[{"digest": digest} for digest in digests])
    return {digests[row["digest"]]: Moment(row["retired_us"], row["place"]) for row in rows}


async def is_retired(user_id: str, position: Position, *, moment: Moment) -> bool:
    """Whether an event of that moment is about a learner who was retired since."""
    retired = (await retired_since([user_id], position)).get(user_id)
    return retired is not None and moment <= retired
