"""A score as JSON. Pure."""

import json
import re

from actors.protocols.interface import CLEARED, WireScore
from actors.protocols.times import written_time

#: Moodle answers 400 to any other.
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"

_CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
#: What JSON calls a number, and a score is.
_NUMBER = re.compile(r"(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)


def score_json(user_id: str, score: WireScore, *, of_canvas: bool) -> bytes:
    """
    The JSON object that sets one learner's score, or clears it, in ASCII.

    Args:
        user_id: The platform's, as launches have it in ``sub``.
        score: Goes out as a number of its own digits, of the maximum 1, with its timestamp in UTC.
        of_canvas: Whether to say what only Canvas knows: when it was submitted, and whether it is a new submission.

    Raises:
        ValueError: The score is no number, or a time has no calendar date.

    Spec: LTI AGS 2.0, 3.4; of Canvas's own, its API's documentation of scores.
    """
    members = {"userId": json.dumps(user_id)}
    if score.text == CLEARED:
        activity, grading = "Initialized", "NotReady"
    else:
        if not _NUMBER.fullmatch(score.text):
            raise ValueError("the score is no decimal number")
        # The text itself, since a float may be another number.
        members |= {"scoreGiven": score.text, "scoreMaximum": "1"}
        # Canvas and Moodle clear a grade for a grading that is pending, and the grade book of Open edX keeps the old.
        activity, grading = "Completed", "FullyGraded"
    members |= {
        "timestamp": f'"{written_time(score.stamp * 1000)}"',
        "activityProgress": f'"{activity}"',
        "gradingProgress": f'"{grading}"',
    }
    if of_canvas and score.text != CLEARED:
        members |= _of_canvas(score)
    text = ", ".join([f'"{name}": {value}' for name, value in members.items()])
    return f"{{{text}}}".encode()


def _of_canvas(score: WireScore) -> dict[str, str]:
    members = {}
    if score.submitted_at is not None:
        members["submission"] = json.dumps({"submittedAt": written_time(score.submitted_at)})
    if score.new_submission is not None:
        members[_CANVAS_SUBMISSION] = json.dumps({"new_submission": score.new_submission})
    return members
