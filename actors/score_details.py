"""What a request says of a score beside the score. Pure."""

from actors.protocols.interface import CLEARED, WireScore
from models.claims import Claim

#: What launches of LTI 1.1 offer, as :attr:`models.claimed_address.Address.offered` has it.
SUBMITTED_AT, PRIORITIZE = "submitted_at", "prioritize_non_tool_grade"


def cleared(claim: Claim) -> str:
    """The wire text for no score: 0 where this LMS takes no grade back."""
    return "0" if "clear" in claim.omitted.split() else CLEARED


def with_details(text: str, claim: Claim, *, product: str | None, prioritizes: bool) -> WireScore:
    """
    The score to send, with what this LMS takes beside it.

    Args:
        text: The wire text, or :data:`actors.protocols.interface.CLEARED`.
        product: The kind of LMS, if it is known.
        prioritizes: Whether the operator wants grades that a person gave to be kept.
    """
    omitted, address = claim.omitted.split(), claim.address
    is_canvas = address.issuer is not None and product == "canvas"
    takes_time = (is_canvas or address.offers(SUBMITTED_AT)) and "submitted_at" not in omitted
    # Canvas counts each new submission as an attempt.
    is_new = claim.sent_at is None and "new_submission" not in omitted
    return WireScore(
        text,
        stamp=claim.stamp,
        submitted_at=claim.changed_at if takes_time and text != CLEARED else None,
        new_submission=is_new if is_canvas and text != CLEARED else None,
        prioritized=prioritizes and address.offers(PRIORITIZE),
    )
