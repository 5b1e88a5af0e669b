"""Faults of the rules for LTI 1.3 that are planted on purpose: timestamps, what overtakes them, and access tokens."""

# ruff: noqa: E501 - a replacement is easier to check on one line

from tests.models.planted import PLATFORMS, Mutant

_CLAIMS = "models/claims.py"
_FINISHING = "models/finishing.py"
_CHANGES = "models/changes.py"
_OVERTAKEN = "actors/overtaken.py"
_TOKENS = "actors/tokens.py"
_ATTEMPT = "actors/attempt.py"
TOKEN_TESTS = "tests/actors/test_tokens.py"

STAMP_MUTANTS = [
    Mutant("stamps: the clock at each try", "stamp = CASE WHEN stamped_version = version_number THEN stamp\n                WHEN", "stamp = CASE WHEN", _CLAIMS, PLATFORMS, more=(('"COALESCE(changed_at, CAST(:now AS BIGINT)) / 1000 + chosen.clock_offset"', '"CAST(:now AS BIGINT) / 1000 + chosen.clock_offset"'),)),
    Mutant("stamps: made anew at each claim", "stamped_version = version_number, stamp = CASE", "stamped_version = version_number - 1, stamp = CASE", _CLAIMS, PLATFORMS),
    Mutant("stamps: the campus's clock is left out", "/ 1000 + chosen.clock_offset", "/ 1000", _CLAIMS, PLATFORMS),
    Mutant("stamps: no later than the last one", "THEN stamp + 1 ELSE {_STAMPED_FROM}", "THEN stamp ELSE {_STAMPED_FROM}", _CLAIMS, PLATFORMS),
    Mutant("stamps: an end lifts none", "stamp = CASE WHEN stamp < given.stamp_from THEN given.stamp_from ELSE stamp END", "stamp = stamp", _FINISHING, PLATFORMS),
    Mutant("overtaken: taken for done", '        "settles": one.outcome in ("accepted", "unchanged", "empty", "overruled"),', '        "settles": one.outcome in ("accepted", "unchanged", "empty", "overruled", "overtaken"),', _FINISHING, PLATFORMS),
    Mutant("overtaken: forces nothing", "given.outcome IN ('in_doubt', 'overtaken') AND", "given.outcome = 'in_doubt' AND", _FINISHING, PLATFORMS),
    Mutant("overtaken: lifted by no time that the platform names", "latest = max(claim.stamp, campus_time, *(time for time in named if time <= campus_time + _MAX_AHEAD))", "latest = claim.stamp", _OVERTAKEN, PLATFORMS),
    Mutant("overtaken: the platform's clock is not looked at", "return stamp if stamp > claim.stamp else None", "return None", _OVERTAKEN, PLATFORMS),
    Mutant("overtaken: without a pause", "if number > 1 else 0\n", "if number < 0 else 0\n", _OVERTAKEN, PLATFORMS),
    Mutant("overtaken: the attempt counts", "not_before=not_before, given_back=True)", "not_before=not_before, given_back=False)", _OVERTAKEN, PLATFORMS),
    Mutant("overruled: though a resend is ordered", "if not ours and not claim.is_ordered:", "if not ours:", _OVERTAKEN, PLATFORMS),
    Mutant("overruled: an older score of ours is taken for a person's", "if not ours and not claim.is_ordered:", "if not claim.is_ordered:", _OVERTAKEN, PLATFORMS),
    Mutant("overruled: a lost attempt's score is taken for a person's", "ours = None in in_doubt or not held.score", "ours = not held.score", _OVERTAKEN, PLATFORMS),
    Mutant("overruled: never, since doubt orders", "return self.ordered_version > self.sent_version", "return self.must_go_out", _CLAIMS, PLATFORMS),
    Mutant("overruled: a resend by force orders nothing", "{UNPARK_SET}, ordered_version = version_number + 1,\n", "{UNPARK_SET},\n", _CHANGES, PLATFORMS),
    Mutant("tokens: a claim without one", 'if row["issuer"] is None or has_token(row["consumer_id"])', 'if has_token or row["issuer"]', _CLAIMS, PLATFORMS),
    Mutant("tokens: one for all scopes", "return self._entries[consumer_id, scope]", 'return self._entries[consumer_id, ""]', _TOKENS, f"{TOKEN_TESTS}::test_each_scope_has_a_token_of_its_own"),
    Mutant("tokens: one for all consumers", "return self._entries[consumer_id, scope]", "return self._entries[0, scope]", _TOKENS, f"{TOKEN_TESTS}::test_each_consumer_has_a_token_of_its_own"),
    Mutant("stamps: an acceptance lifts none to the answer's time", "stamp_from=_arrival(request, response) if request.claim.address.issuer is not None else 0", "stamp_from=0", "actors/resolution.py", PLATFORMS),
    Mutant("stamps: one that a restore lowered is not lifted again", "lifted = latest + 2 ** min(number, _MAX_POWER)", "lifted = claim.stamp + 1 if claim.is_ordered else latest + 2 ** min(number, _MAX_POWER)", _OVERTAKEN, PLATFORMS),
    Mutant("stamps: a change keeps a time that lies ahead since the clock was set back", '"sent_at", "changed_at")', '"sent_at")', "models/clock_watch.py", PLATFORMS),
    Mutant("ordered: not by a request that was fenced", "        ordered_version = CASE WHEN given.resend THEN version_number + 1 ELSE ordered_version END,\n", "", _FINISHING, PLATFORMS),
    Mutant("ordered: not by what is read again after a restore", "ordered_version = CASE WHEN CAST(:force AS BOOLEAN) THEN version_number + {changes}\n                ELSE ordered_version END", "ordered_version = ordered_version", _CHANGES, PLATFORMS),
    Mutant("forced, and skipped as unchanged", "skip_unchanged and not claim.must_go_out and score", "skip_unchanged and score", _ATTEMPT, PLATFORMS),
    Mutant("cleared, though nothing of ours was accepted", "if grade is NoGrade.CLEARED and (claim.sent_score is not None or claim.must_go_out):", "if grade is NoGrade.CLEARED:", _ATTEMPT, PLATFORMS),
    Mutant("overtaken: never parked", "if number < MAX_REFUSALS:", "if number:", _OVERTAKEN, "tests/actors/test_overtaken.py"),
    Mutant("stamps: a repeat's acceptance forces no newer version", "WHEN given.repeats AND version_number > given.version THEN version_number", "", _FINISHING, "tests/models/test_finishing.py"),
    Mutant("ordered: a resend by force clears what was never ours", "forced_version = CASE WHEN sent_at IS NULL AND sent_score IS NULL THEN forced_version ELSE version_number + 1 END", "forced_version = version_number + 1", _CHANGES, "tests/actors/lti13/test_no_score.py"),
    Mutant("cleared: an LMS that cannot is asked again", "WHEN given.settles THEN {_INSTEAD}", "WHEN given.settles THEN ''", _FINISHING, "tests/actors/lti13/test_no_score.py"),
]  # fmt: skip
