"""What can go wrong with a delivery, named by what to do about it."""

from dataclasses import KW_ONLY, dataclass
from typing import Literal

#: What a permanent refusal concerns: one learner, one course, or everything that this campus is set up with.
Scope = Literal["learner", "course", "campus"]

#: What a request may leave out, since this LMS did not take it: that the score is a new submission, when it was
#: submitted, and a cleared score (0 goes out in its place).
Omission = Literal["new_submission", "submitted_at", "clear"]


@dataclass(eq=False, repr=False)
class DeliveryError(Exception):
    """A score is not known to have reached the LMS."""

    #: What happened, in words a support person can pass on. Never holds a secret, a signature or a sourcedid.
    reason: str
    _: KW_ONLY
    #: The status code of the answer, if there was one.
    http_status: int | None = None
    #: ``imsx_codeMajor`` of the answer, if it could be read.
    code_major: str | None = None
    #: Whether any byte of the request may have reached the LMS.
    bytes_left: bool = True


@dataclass(eq=False, repr=False, kw_only=True)
class TryLater(DeliveryError):  # noqa: N818 - named by what to do
    """The LMS did not store this score and may accept it later: busy, refused the connection, unknown failure."""

    #: Seconds that the LMS asked us to wait (``Retry-After``), if it said.
    after: float | None = None
    bytes_left: bool = False
    #: Whether the LMS said that it is busy, so that all of this campus should slow down.
    throttled: bool = False
    #: Whether the LMS refused for no known reason: worth a few tries over a day, and no more.
    unexplained: bool = False


class OutOfFiles(TryLater):
    """This process may open no more files, or has no port left: no fault of any LMS, which heard nothing of it."""


@dataclass(eq=False, repr=False, kw_only=True)
class GiveUp(DeliveryError):  # noqa: N818 - named by what to do
    """The LMS will never accept this score as it is now: unknown learner, course concluded, wrong address."""

    scope: Scope


@dataclass(eq=False, repr=False, kw_only=True)
class Misconfigured(DeliveryError):  # noqa: N818 - named by what to do
    """The campus accepts nothing until a person fixes its key, secret, certificate or address."""


@dataclass(eq=False, repr=False, kw_only=True)
class Ambiguous(DeliveryError):  # noqa: N818 - named by what to do
    """Bytes may have left us and no answer that can be trusted came back: the LMS may store this score, or not."""

    #: Seconds that the answer asked us to wait (``Retry-After``), if it said: a 503 during maintenance does.
    after: float | None = None
    #: Seconds for which the request may still be stored, where that is longer than the operator's hold.
    hold: float | None = None
    #: Whether a fault of passbackd's own broke it off, which says nothing of the LMS.
    ours: bool = False


@dataclass(eq=False, repr=False, kw_only=True)
class Overtaken(DeliveryError):  # noqa: N818 - named by what happened
    """
    The LMS refused the timestamp, since it holds a score that is as new or newer (LTI 1.3): neither error nor success.

    See rule 11 of the design.
    """

    #: The latest time that the refusal names, by the LMS's clock, milliseconds since 1970, if it does.
    held_since: int | None = None


@dataclass(eq=False, repr=False, kw_only=True)
class BadToken(DeliveryError):  # noqa: N818 - named by what happened
    """The LMS refused the access token (LTI 1.3), and stored nothing."""


@dataclass(eq=False, repr=False, kw_only=True)
class Omit(DeliveryError):  # noqa: N818 - named by what to do
    """The LMS stored nothing, and may take the same request without something (LTI 1.3)."""

    what: Omission
