"""What comes before the grades of an answer, and beside them, in words. Pure."""

from daemon.infra.text import counted, past
from daemon.why.known import Explanation, Terms
from daemon.why.outlook import outlook

SENT_AGAIN = (
    "What a replay (`passbackd quarantine replay`) cannot apply, as a score that is no number, the tool has to correct "
    "and send again."
)

OPENS_AGAIN = "Once this learner opens it from the campus again, what was earned so far is sent."
_MORE = "There are more; what the campus has not acknowledged comes first, and a course (--course) narrows it down."
NAMESAKES = (
    "Several campuses have this id, each for another learner: pass on only what concerns the one who asks. --consumer "
    "KEY shows one campus alone."
)


def summary(answer: Explanation, terms: Terms) -> str:
    """How many grades of whom there are, and how many need a person."""
    learners = list(dict.fromkeys(known.row.user_id for known in answer.known))
    whose = f"learner {learners[0]}" if len(learners) == 1 else counted(len(learners), "learner")
    campus_ids = list(dict.fromkeys(known.row.lti_user_id for known in answer.known if known.row.lti_user_id))
    at_campus = f" (at the campus: {', '.join(campus_ids)})" if len(learners) == 1 and campus_ids else ""
    acting = sum(outlook(known, terms).who != "no one" for known in answer.known)
    of_these = f", of which {acting} {'needs' if acting == 1 else 'need'} a person to act" if acting else ""
    as_of, number = past(terms.now, terms.zone, seconds=True), counted(len(answer.known), "grade")
    more = f" {_MORE}" if answer.more_known else ""
    return f"As of {as_of}: {number} of {whose}{at_campus}{of_these}.{more}{_besides(answer)}"


def _besides(answer: Explanation) -> str:
    """How much else needs a person; launches of an activity have a sentence of their own."""
    number = len(set(answer.rejected) - set(answer.launches)) + len(answer.moved)
    return (
        f" Besides, {counted(number, 'event')} below {'needs' if number == 1 else 'need'} a person." if number else ""
    )
