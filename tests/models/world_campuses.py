"""A small course, its campuses, and what these answer."""

from typing import Any

from actors.errors import Ambiguous, DeliveryError
from actors.protocols.answers import PROCESSING_HOLD
from actors.response import Response
from daemon.demo.lms.answer import pox
from tests.models.oracle import Blocks, Place
from tests.models.simulated_daemons import HOLD

#: By consumer key: the URLs of its outcome services; those of one origin are one campus. One URL serves both consumers.
SERVICES = {
    "north": (
        "https://north.example/outcomes?a=1",
        "https://north.example/outcomes?a=2",
        "https://moved.example/outcomes",
    ),
    "south": ("https://south.example/outcomes", "https://north.example/outcomes?a=1"),
}
CONSUMERS = tuple(SERVICES)
CHAPTER, OTHER = "chapter", "other"
PROBLEMS = ("p1", "p2")
_WHOLE: Blocks = {
    "course": (None, None),
    CHAPTER: ("course", None),
    OTHER: ("course", None),
    "p1": (CHAPTER, 2.0),
    "p2": (CHAPTER, 2.0),
}
STRUCTURES: dict[str, Blocks] = {
    "whole": _WHOLE,
    "p2 moved": _WHOLE | {"p2": (OTHER, 2.0)},
    "p2 counts more": _WHOLE | {"p2": (CHAPTER, 6.0)},
    "p1 gone": {usage: block for usage, block in _WHOLE.items() if usage != "p1"},
    "chapter gone": {
        usage: (OTHER if block[0] == CHAPTER else block[0], block[1])
        for usage, block in _WHOLE.items()
        if usage != CHAPTER
    },
}


def _answer(status: int, code_major: str = "", description: str = "") -> Response:
    return Response(status, {}, pox(code_major, description) if code_major else b"", seconds=0.1)


#: What the campus does: its answer, the result in the ledger, and for how long the score may still be stored after it
#: was answered (None: it is not stored).
ANSWERS: dict[str, tuple[Response | DeliveryError, str, int | None]] = {
    "accepts": (_answer(200, "success"), "accepted", 0),
    "refuses the learner": (_answer(200, "failure", "user not found"), "refused", None),
    "refuses the course": (_answer(200, "failure", "course concluded"), "refused", None),
    "is not there": (_answer(404), "refused", None),
    "gives no known reason": (_answer(200, "failure", "no"), "retried", None),
    "is busy": (_answer(429), "retried", None),
    "rejects the signature": (_answer(401), "misconfigured", None),
    "breaks": (_answer(500), "ambiguous", HOLD),
    "is silent": (Ambiguous("time-out"), "ambiguous", HOLD),
    "is processing": (_answer(200, "processing"), "ambiguous", int(PROCESSING_HOLD * 1000)),
}
#: What may have been done with a request that was stored is no refusal.
IN_DOUBT = ("accepts", "breaks", "is silent", "is processing")


def place_of(row: dict[str, Any]) -> Place:
    """Where a row is."""
    return row["consumer_key"], row["url"], row["lis_result_sourcedid"]
