"""
Brings back, one at a time, the faults of the behaviour that passbackd replaces.

``python -m tests.seed_mutants [name ...]``: each mutant is one replacement in a copy of the tree, and names the tests
that must then fail. The names are those of the faults, as an operator would have met them.
"""

# ruff: noqa: E501 - a replacement is easier to check on one line

import sys

from tests.models.mutants import Mutant, try_mutant

_ATTEMPT, _CHANGES, _REGISTRATION = "actors/attempt.py", "models/changes.py", "models/registration.py"

MUTANTS = [
    Mutant(
        "two changes at once are counted as one",
        'SET version_number = version_number + {changes}, composite',
        'SET version_number = (SELECT old.version_number FROM graded_assignment AS old WHERE old.id = graded_assignment.id) + {changes}, composite',
        _CHANGES,
        "tests/models/test_claims_at_once.py::test_two_changes_at_once_are_both_counted",
    ),
    Mutant(
        "a task carries the score of when it was first tried",
        "tree, scores = await self._read(claim)",
        "tree, scores = self.__dict__.setdefault(f'read of {claim.assignment_id}', await self._read(claim))",
        _ATTEMPT,
        "tests/actors/test_in_doubt.py::test_an_end_in_doubt_holds_and_forces_and_sends_the_score_of_its_time_afresh",
    ),
    Mutant(
        "steady work postpones the grade for ever",
        "ELSE pending_since + given.ceiling END",
        "ELSE given.due + 0 * given.ceiling END",
        _CHANGES,
        "tests/models/test_changes.py::test_steady_work_is_sent_when_the_ceiling_after_its_first_change_is_reached",
    ),
    Mutant(
        "a task that finds a newer version than its own is dropped",
        'DUE_BY_ID = f"{SENDABLE_BY_ID} AND {READY_AT} <= :now"',
        'DUE_BY_ID = f"{SENDABLE_BY_ID} AND {READY_AT} <= :now AND version_number = sent_version + 1"',
        "models/assignment.py",
        "tests/actors/test_nothing_to_send.py::test_a_message_for_a_composite_sends_its_newest_version_if_that_is_due",
    ),
    Mutant(
        "only status 200 is a success",
        "succeeded = 200 <= response.status <= 299",
        "succeeded = response.status == 200",
        "actors/protocols/lti11/responses.py",
        "tests/actors/protocols/lti11/test_platform_rules.py::test_an_answer_means",
    ),
    Mutant(
        "one error and the grade is gone",
        'return Finish(request.claim, "retried", not_before=again)',
        'return Finish(request.claim, "unchanged")',
        "actors/resolution.py",
        "tests/actors/test_refusals.py::test_when_to_try_again_is_known_to_every_daemon_on_the_database",
    ),
    Mutant(
        "an unknown block posts a zero",
        "return NoGrade.UNKNOWN_BLOCK if scores else NoGrade.NOTHING_ATTEMPTED",
        "return Grade(0.0, 0.0)",
        "actors/compute_grade.py",
        "tests/actors/test_nothing_to_send.py::test_an_unknown_block_waits_visibly_and_goes_out_when_its_structure_comes",
    ),
    Mutant(
        "a learner who attempted nothing is sent a zero",
        "for block in below) else NoGrade.NOTHING_ATTEMPTED\n",
        "for block in below) else Grade(0.0, 1.0)\n",
        "actors/compute_grade.py",
        "tests/actors/test_nothing_to_send.py::test_a_learner_who_attempted_nothing_is_never_sent_a_zero",
    ),
    Mutant(
        "the whole course's grade is sent for a block's",
        "below = list(tree.below(usage_id))",
        "below = list(tree)",
        "actors/compute_grade.py",
        "tests/actors/test_compute_grade.py::test_a_block_is_worth_the_sum_of_the_scored_problems_at_and_below_it",
    ),
    Mutant(
        "nothing records what was sent",
        "for one in recorded if one.delivery is not None)",
        "for one in recorded[:0] if one.delivery is not None)",
        "models/finishing.py",
        "tests/actors/test_records.py::test_the_delivery_record_of_an_acceptance_has_every_field",
    ),
    Mutant(
        "scores go out as Python writes floats",
        'f"{value:.6f}".rstrip("0").rstrip(".")',
        "str(value)",
        "actors/compute_grade.py",
        "tests/actors/test_compute_grade.py::test_what_is_sent_is_earned_over_possible_in_fixed_point_and_zero_when_nothing_is_possible",
    ),
    Mutant(
        "NaN gets in",
        'if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):\n            raise BadEvent(f"{name} is not a finite number: {text[:64]!r}", name)',
        'if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):\n            return float(text)',
        "daemon/ingest/fields.py",
        "tests/daemon/ingest/test_parse.py::test_nan_and_infinities_are_quarantined_and_never_sent",
    ),
    Mutant(
        "values beyond 1 go out",
        "_fixed(min(max(value, 0.0), 1.0))",
        "_fixed(value)",
        "actors/compute_grade.py",
        "tests/actors/test_compute_grade.py::test_a_value_above_one_or_below_zero_is_clamped_and_flagged",
    ),
    Mutant(
        "a URL belongs to one consumer only",
        "        lti_consumer=consumer,\n        url_digest=digest(launch.place),\n",
        "        url_digest=digest(launch.place),\n",
        "models/destination.py",
        "tests/models/test_registration.py::test_a_launch_of_something_else_registers_another_assignment",
    ),
    Mutant(
        "a sourcedid that comes for another block breaks a unique key",
        "outcome_service_id=service.id, sourcedid_digest=digest(launch.lis_result_sourcedid)\n    )\n    if launch",
        "outcome_service_id=service.id, sourcedid_digest=digest(launch.lis_result_sourcedid), usage_id=launch.usage_id\n    )\n    if launch",
        _REGISTRATION,
        "tests/models/test_moves.py::test_a_sourcedid_that_comes_for_another_learner_or_block_moves_there",
    ),
    Mutant(
        "a guid overrides what is known",
        "if guid and consumer.instance_guid not in (None, ANY_INSTANCE, guid):",
        "if False:",
        _REGISTRATION,
        "tests/models/test_registration.py::test_a_launch_of_another_instance_than_the_one_on_record_is_refused_and_changes_nothing",
    ),
    Mutant(
        "equal scores are posted again and again",
        "if self._dependencies.settings.skip_unchanged and not claim.must_go_out",
        "if False and not claim.must_go_out",
        _ATTEMPT,
        "tests/actors/test_nothing_to_send.py::test_a_score_that_the_campus_acknowledged_is_not_sent_again_unless_skipping_is_off",
    ),
    Mutant(
        "a grade from before the first launch is never sent",
        'composite=kind == "composite",\n        changed_at=',
        'composite=kind == "composite",\n        sent_version=1,\n        changed_at=',
        _REGISTRATION,
        "tests/daemon/ingest/test_apply.py::test_a_launch_after_the_score_makes_it_dirty_and_due_at_once",
    ),
    Mutant(
        "a request leaves however late after its claim",
        "if clock.monotonic() - claim.began > allowed:",
        "if clock.monotonic() - claim.began > allowed * 1000:",
        "actors/request.py",
        "tests/actors/test_lease.py::test_a_holder_that_was_frozen_beyond_its_margin_does_not_overlap_the_one_that_took_over",
    ),
]  # fmt: skip


def main(names: list[str]) -> int:
    """0 if every mutant was found."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    survivors = 0
    for mutant in chosen:
        found = try_mutant(mutant)
        survivors += not found.startswith("killed")
        print(f"{mutant.name}: {found}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
