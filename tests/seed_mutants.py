"""
Brings back, one at a time, what passbackd does otherwise than the behaviour that it replaces.

``python -m tests.seed_mutants [name ...]``: each mutant is one replacement in a copy of the tree, and names the tests
that must then fail. The names are those of the faults, as an operator would have met them.
"""

# ruff: noqa: E501 - a replacement is easier to check on one line

from __future__ import annotations

import sys

from tests.models.mutants import Mutant, try_mutant

PACKAGES = ("models", "actors", "daemon", "tests")

_WALK, _TESTS = "actors/attempt.py", "tests/actors/test_outcomes.py"

MUTANTS = [
    Mutant(
        "two changes at once are counted as one",
        '_BUMP_SET = f"""version_number = version_number + 1, composite',
        '_BUMP_SET = f"""version_number = (SELECT old.version_number FROM graded_assignment AS old WHERE old.id = graded_assignment.id) + 1, composite',
        "models/assignment.py",
        "tests/models/test_claim_and_score.py::test_two_bumps_at_once_are_both_counted",
    ),
    Mutant(
        "a task carries the score of when it was first tried",
        "grade = await self._read_grade(claim)",
        "grade = self.__dict__.setdefault(f'score of {claim.assignment_id}', await self._read_grade(claim))",
        _WALK,
        f"{_TESTS}::test_an_end_in_doubt_holds_and_forces_and_sends_the_score_of_its_time_afresh",
    ),
    Mutant(
        "steady work postpones the grade for ever",
        "ELSE pending_since + :ceiling END",
        "ELSE :due + 0 * :ceiling END",
        "models/assignment.py",
        "tests/models/test_assignment.py::test_steady_work_is_sent_when_the_ceiling_after_its_first_change_is_reached",
    ),
    Mutant(
        "a wake-up of another version than the row's is dropped",
        "if not address.claimable:",
        "if not address.claimable or version != (await __import__('models.assignment', fromlist=['x']).GradedAssignment.get(id=assignment_id)).version_number:",
        "actors/outcomes.py",
        f"{_TESTS}::test_a_composite_woken_for_an_older_version_is_sent_once_it_is_due_again",
    ),
    Mutant(
        "only status 200 is a success",
        "succeeded = 200 <= answer.status <= 299",
        "succeeded = answer.status == 200",
        "actors/protocols/lti11/responses.py",
        f"{_TESTS}::test_any_2xx_with_exactly_one_success_is_an_acceptance",
    ),
    Mutant(
        "one error and the grade is gone",
        "return Retried(again)",
        "return Unchanged()",
        "actors/resolution.py",
        f"{_TESTS}::test_a_refused_connection_is_tried_again_without_a_hold",
    ),
    Mutant(
        "an unknown block posts a zero",
        "return NoGrade.UNKNOWN_BLOCK if scores else NoGrade.NOTHING_ATTEMPTED",
        "return Grade(0.0, 0.0)",
        "actors/grade.py",
        f"{_TESTS}::test_an_unknown_block_waits_visibly_and_goes_out_when_its_structure_comes",
    ),
    Mutant(
        "a learner who attempted nothing is sent a zero",
        "        return NoGrade.NOTHING_ATTEMPTED\n    untouched",
        "        return Grade(0.0, 1.0)\n    untouched",
        "actors/grade.py",
        f"{_TESTS}::test_a_learner_who_attempted_nothing_is_never_sent_a_zero",
    ),
    Mutant(
        "the whole course's grade stands in for a block's",
        "below = list(tree.below(usage_id))",
        "below = list(tree)",
        "actors/grade.py",
        "tests/actors/test_grade.py::test_a_block_is_worth_the_sum_of_the_scored_problems_at_and_below_it",
    ),
    Mutant(
        "nothing records what was sent",
        "            if line is not None:\n                await _write",
        "            if False:\n                await _write",
        "models/attempt.py",
        f"{_TESTS}::test_the_ledger_line_of_an_acceptance_has_every_field",
    ),
    Mutant(
        "scores go out as Python writes floats",
        'f"{clamped:.6f}".rstrip("0").rstrip(".") or "0"',
        "str(clamped)",
        "actors/grade.py",
        "tests/actors/test_grade.py::test_a_score_is_written_in_fixed_point_without_exponent_or_trailing_zeros",
    ),
    Mutant(
        "NaN gets in",
        'if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):\n            raise BadEvent(f"{name} is not a finite number: {text[:64]!r}")',
        'if text.strip().lstrip("+-").lower() in ("nan", "inf", "infinity"):\n            return float(text)',
        "daemon/ingest/parse.py",
        "tests/daemon/ingest/test_parse.py::test_nan_and_infinities_are_quarantined_and_never_sent",
    ),
    Mutant(
        "values beyond 1 go out",
        "clamped = min(max(value, 0.0), 1.0) + 0.0",
        "clamped = value + 0.0",
        "actors/grade.py",
        "tests/actors/test_grade.py::test_a_value_above_one_or_below_zero_is_clamped_and_flagged",
    ),
    Mutant(
        "a URL belongs to one consumer only",
        '{"lis_outcome_service_url": url, "origin": where}, lti_consumer=consumer, url_digest=digest(url)',
        '{"lis_outcome_service_url": url, "origin": where, "lti_consumer": consumer}, url_digest=digest(url)',
        "models/registration.py",
        "tests/models/test_registration.py::test_one_url_of_two_consumers_is_two_services",
    ),
    Mutant(
        "a sourcedid that comes for another block breaks a unique key",
        "outcome_service_id=service.id, sourcedid_digest=digest(launch.lis_result_sourcedid)\n    )\n    linked",
        "outcome_service_id=service.id, sourcedid_digest=digest(launch.lis_result_sourcedid), usage_id=launch.usage_id\n    )\n    linked",
        "models/registration.py",
        "tests/models/test_registration.py::test_a_sourcedid_that_comes_for_another_learner_or_block_moves_there",
    ),
    Mutant(
        "a guid overrides what is known",
        "if launch.instance_guid and consumer.instance_guid is None:",
        "if launch.instance_guid:",
        "models/registration.py",
        "tests/models/test_registration.py::test_a_guid_is_stored_only_where_none_is_known",
    ),
    Mutant(
        "equal scores are posted again and again",
        "if self._tools.settings.skip_unchanged and not claim.must_go_out",
        "if False and not claim.must_go_out",
        _WALK,
        f"{_TESTS}::test_a_score_that_the_campus_acknowledged_is_not_sent_again",
    ),
    Mutant(
        "a grade from before the first launch is never sent",
        'composite=kind == "composite",\n        due_at=now,',
        'composite=kind == "composite",\n        sent_version=1,\n        due_at=now,',
        "models/registration.py",
        "tests/daemon/ingest/test_apply.py::test_a_launch_after_the_score_makes_it_dirty_and_due_at_once",
    ),
    Mutant(
        "a request leaves however late after its claim",
        "if clock.monotonic() - began > MARGIN:",
        "if clock.monotonic() - began > MARGIN * 1000:",
        _WALK,
        f"{_TESTS}::test_a_holder_that_was_frozen_beyond_its_margin_does_not_overlap_the_one_that_took_over",
    ),
]  # fmt: skip


def main(names: list[str]) -> int:
    """How many mutants lived, told as an exit code."""
    chosen = [mutant for mutant in MUTANTS if not names or any(name in mutant.name for name in names)]
    survivors = 0
    for mutant in chosen:
        verdict = try_mutant(mutant, shrink=False, packages=PACKAGES)
        survivors += not verdict.startswith("killed")
        print(f"{mutant.name}: {verdict}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants were killed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
