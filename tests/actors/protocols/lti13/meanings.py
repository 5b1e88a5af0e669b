"""What answers over LTI 1.3 mean, in a word each."""

from datetime import UTC, datetime

import pytest

from actors.errors import Ambiguous, BadToken, DeliveryError, GiveUp, Misconfigured, Omit, Overtaken, TryLater
from actors.protocols.interface import CLEARED, Accepted, WireScore
from actors.protocols.lti13.platforms import PLATFORMS
from actors.protocols.lti13.responses import classify
from actors.response import Response
from tests.actors.protocols.lti13.answers import Answer

NOW = datetime(2026, 11, 22, 10, 15, 32, tzinfo=UTC)
SCORE = WireScore("0.5", stamp=1_795_342_530)
SUBMISSION = WireScore("0.5", stamp=1_795_342_530, submitted_at=1_795_342_530_000, new_submission=True)
GONE = WireScore(CLEARED, stamp=1_795_342_530)


def read(answer: Answer | Response, sent: WireScore | None = SCORE, platform=None, redacted=()) -> Accepted:
    response = answer.response() if isinstance(answer, Answer) else answer
    profile = None if platform is None else PLATFORMS[platform]
    return classify(response, now=NOW, platform=profile, redacted=redacted, sent=sent)


def refused(answer: Answer | Response, *args, **kwargs) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        read(answer, *args, **kwargs)
    return caught.value


def rows(**tables):
    return [pytest.param(meant, answer, id=f"{meant}: {answer}") for meant, table in tables.items() for answer in table]


def meaning(answer: Answer, *args, **kwargs) -> str:
    try:
        read(answer, *args, **kwargs)
    except DeliveryError as error:
        match error:
            case GiveUp():
                return error.scope
            case Omit():
                return error.what
            case TryLater():
                return "busy" if error.throttled else "passing"
            case Ambiguous(hold=float()):
                return "processing"
        names = {Ambiguous: "doubt", Overtaken: "overtaken", BadToken: "token", Misconfigured: "misconfigured"}
        return names[type(error)]
    return "stored"
