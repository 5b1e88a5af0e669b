"""What can go wrong with a delivery, named by what to do about it."""

from typing import Literal

#: Whose fault a permanent refusal is: one learner's, one course's, or everything that this campus is set up with.
Scope = Literal["learner", "course", "campus"]


class DeliveryError(Exception):
    """
    A score is not known to have reached the LMS.

    Args:
        reason: What happened, in words a support person can pass on. Never holds a secret, a signature or a sourcedid.
        http_status: The status code of the answer, if there was one.
        code_major: ``imsx_codeMajor`` of the answer, if it could be read.
    """

    def __init__(self, reason: str, *, http_status: int | None = None, code_major: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.http_status = http_status
        self.code_major = code_major


class TryLater(DeliveryError):  # noqa: N818 - named by what to do
    """The LMS did not store this score and may accept it later: busy, refused the connection, unknown failure."""

    def __init__(
        self,
        reason: str,
        *,
        after: float | None = None,
        bytes_left: bool = False,
        throttled: bool = False,
        unexplained: bool = False,
        http_status: int | None = None,
        code_major: str | None = None,
    ) -> None:
        super().__init__(reason, http_status=http_status, code_major=code_major)
        #: Seconds that the LMS asked us to wait (``Retry-After``), if it said.
        self.after = after
        #: Whether the LMS said that it is busy, so that all of this campus should slow down.
        self.throttled = throttled
        #: Whether the LMS refused in words that nobody knows: worth a few tries over a day, and no more.
        self.unexplained = unexplained
        #: Whether any byte of the request may have reached the LMS.
        self.bytes_left = bytes_left


class GiveUp(DeliveryError):  # noqa: N818 - named by what to do
    """The LMS will never accept this score as things stand: unknown learner, course concluded, wrong address."""

    def __init__(
        self,
        reason: str,
        *,
        scope: Scope,
        bytes_left: bool = True,
        http_status: int | None = None,
        code_major: str | None = None,
    ) -> None:
        super().__init__(reason, http_status=http_status, code_major=code_major)
        self.scope = scope
        #: Whether any byte of the request may have reached the LMS.
        self.bytes_left = bytes_left


class Misconfigured(DeliveryError):  # noqa: N818 - named by what to do
    """Nothing of this campus will be accepted until somebody mends something: key, secret, certificate, redirect."""

    def __init__(
        self,
        reason: str,
        *,
        bytes_left: bool = True,
        http_status: int | None = None,
        code_major: str | None = None,
    ) -> None:
        super().__init__(reason, http_status=http_status, code_major=code_major)
        #: Whether any byte of the request may have reached the LMS.
        self.bytes_left = bytes_left


class Ambiguous(DeliveryError):  # noqa: N818 - named by what to do
    """Bytes may have left us and no answer that can be trusted came back: the LMS may store this score, or not."""

    def __init__(
        self,
        reason: str,
        *,
        after: float | None = None,
        hold: float | None = None,
        ours: bool = False,
        http_status: int | None = None,
        code_major: str | None = None,
    ) -> None:
        super().__init__(reason, http_status=http_status, code_major=code_major)
        #: Seconds that the answer asked us to wait (``Retry-After``), if it said: a 503 during maintenance does.
        self.after = after
        #: Seconds for which whatever left us may still be stored, where that is longer than the operator's hold.
        self.hold = hold
        #: Whether a fault of passbackd's own broke it off, which tells nothing about the LMS.
        self.ours = ours
