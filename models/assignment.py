"""
A graded assignment: its row, its states, and when it is due.

========  ====================================================  ==========================================
state     holds while                                           leaves by
========  ====================================================  ==========================================
clean     ``version_number <= sent_version``                    change
due       dirty, and the latest of its times has come           claim
waiting   dirty, but later, or until a structure comes          time; a structure; change
claimed   a sender holds it until ``claimed_until``             finish; rescue once the lease has run out
parked    ``parked_at`` is set: no further try                  change; launch; resend; its address accepts
disabled  ``disabled_at`` is set                                a newer launch
========  ====================================================  ==========================================

A row is *dirty* while ``version_number > sent_version``: the campus does not hold its newest score yet. What makes it
dirty is in :mod:`models.changes`, what a sender does with it in :mod:`models.claims`. Times are milliseconds since 1970
by the database's clock (:mod:`models.db.clock`); the caller hands them in. `docs/state_machine.md` has every way out
of each state; the table has the usual ones. The state as SQL is in :mod:`models.states`.
"""

from collections.abc import Mapping
from typing import Any, Literal

from tortoise import fields
from tortoise.models import Model

from models.campus import Campus, OutcomeService
from models.consumer import MAX_KEY
from models.moment import MAX_PLACE, Moment
from models.states import READY_AT
from models.stream_position import MAX_ENTRY_ID

Kind = Literal["leaf", "composite"]


def row_kind(row: Mapping[str, Any]) -> Kind:
    """The kind in a row of a raw statement."""
    return "composite" if row["composite"] else "leaf"


class GradedAssignment(Model):
    """One learner's grade for one block at one campus: what is to be sent, and what the campus acknowledged."""

    id = fields.BigIntField(primary_key=True)
    user_id = fields.CharField(max_length=255)
    course_id = fields.CharField(max_length=255)
    usage_id = fields.CharField(max_length=255)
    outcome_service: fields.ForeignKeyRelation[OutcomeService] = fields.ForeignKeyField(
        "models.OutcomeService", related_name="assignments", on_delete=fields.CASCADE
    )
    # That of the service, for the index of due rows.
    campus: fields.ForeignKeyRelation[Campus] = fields.ForeignKeyField(
        "models.Campus", related_name="assignments", on_delete=fields.CASCADE
    )
    lis_result_sourcedid = fields.TextField()
    sourcedid_digest = fields.CharField(max_length=64)
    resource_link_id = fields.TextField(null=True)
    lti_user_id = fields.TextField(null=True)
    context_title = fields.TextField(null=True)
    resource_link_title = fields.TextField(null=True)
    # The newest launch or disabling that was applied: microseconds since 1970, and the place of its entry.
    registered_us = fields.BigIntField()
    registered_place = fields.CharField(max_length=MAX_PLACE, db_default="")
    # The stream entry of the newest change, which leads from the tool's event to the delivery record; null before any.
    entry_id = fields.CharField(max_length=MAX_ENTRY_ID, null=True)
    # The LTI 1.1 consumer and its link that launches over LTI 1.3 say this was before; null: they named none.
    moved_from_key = fields.CharField(max_length=MAX_KEY, null=True)
    moved_from_link_id = fields.TextField(null=True)
    # What became of rows that this one replaced, for people.
    note = fields.TextField(default="")
    # Whether scores below the block make its grade (debounced), or the block's own score alone (at once).
    composite = fields.BooleanField()

    # What should be sent; grows by one with every change that touches the grade.
    version_number = fields.BigIntField(default=1)
    # The first version of the present learner; what is on record of older ones is another's.
    learner_version = fields.BigIntField(db_default=0)
    # What the campus acknowledged, or what was found to need no sending.
    sent_version = fields.BigIntField(default=0)
    # Wire text that the campus acknowledged last; null when it is not known to hold a grade of ours.
    sent_score = fields.CharField(max_length=32, null=True)
    sent_at = fields.BigIntField(null=True)
    # A version that must go out even if its score equals ``sent_score``.
    forced_version = fields.BigIntField(default=0)

    # When the newest change was scored, milliseconds since 1970, never later than now; null: before this was stored.
    changed_at = fields.BigIntField(null=True)
    # The newest timestamp that is known to have been used at the campus, by its clock, in seconds since 1970; and the
    # version for which it was made (rules 10 and 11 of the design). For LTI 1.3.
    stamp = fields.BigIntField(db_default=0)
    stamped_version = fields.BigIntField(db_default=0)
    # The newest version that was ordered to replace whatever the campus holds.
    ordered_version = fields.BigIntField(db_default=0)
    # How often the campus refused a timestamp as older or equal since its last acceptance.
    overtaken = fields.IntField(db_default=0)
    # What this LMS did not take of the request, apart by blanks: `new_submission`, `submitted_at`, `clear`, `token`.
    omitted = fields.CharField(max_length=64, db_default="")

    due_at = fields.BigIntField()
    # The first change that is not sent yet: where the debounce's ceiling counts from.
    pending_since = fields.BigIntField(null=True)
    # Backoff.
    not_before = fields.BigIntField(default=0)
    # No attempt before this: a request in doubt may still land. Only ever raised.
    hold_until = fields.BigIntField(default=0)

    claim_token = fields.BigIntField(null=True)
    claimed_at = fields.BigIntField(null=True)
    claimed_until = fields.BigIntField(null=True)
    claimed_version = fields.BigIntField(null=True)
    attempts = fields.IntField(default=0)

    parked_at = fields.BigIntField(null=True)
    parked_reason = fields.TextField(null=True)
    parked_scope = fields.CharField(max_length=16, null=True)
    # Parked for what may pass: when it is tried again at the earliest, once an acceptance has refuted it
    # (models.address).
    returns_at = fields.BigIntField(null=True)
    # How often it came back from that since its last acceptance; each time later.
    address_refusals = fields.IntField(db_default=0)
    disabled_at = fields.BigIntField(null=True)
    # Since when the grade waits for a course structure that holds its block.
    waiting_since = fields.BigIntField(null=True)

    outcome_service_id: int
    campus_id: int

    class Meta:
        table = "graded_assignment"
        table_description = "Graded assignments"
        unique_together = (("outcome_service", "sourcedid_digest"),)
        indexes = (("user_id", "course_id"), ("course_id", "usage_id", "id"), ("sourcedid_digest",))

    @property
    def registered(self) -> Moment:
        """The moment of the newest launch or disabling that was applied."""
        return Moment(self.registered_us, self.registered_place)


# Whether a row was tried since it fell due; the indexes have the same words.
RETRIED = "(CASE WHEN attempts > 0 OR not_before > due_at THEN 1 ELSE 0 END)"


def _sendable(sent_version: str) -> str:
    return f"""version_number > {sent_version} AND parked_at IS NULL AND disabled_at IS NULL
    AND waiting_since IS NULL AND claimed_until IS NULL"""


#: Dirty, and nothing but time holds a claim back; the partial index has the same words.
SENDABLE = _sendable("sent_version")

# Same condition for look-ups by id, written so that the planner cannot use the partial index on sendable rows.
SENDABLE_BY_ID = _sendable("sent_version + 0")

#: What a sender may claim: rule 1 of the design.
DUE = f"{SENDABLE} AND {READY_AT} <= :now"
DUE_BY_ID = f"{SENDABLE_BY_ID} AND {READY_AT} <= :now"
