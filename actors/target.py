"""Where a claim's grade goes, and over which version of LTI. Pure."""

from collections.abc import Mapping

from actors.protocols import protocol_for
from actors.protocols.interface import OutcomeProtocol, Target
from models.claimed_address import Address
from models.claims import Claim


def protocol_of(address: Address) -> OutcomeProtocol:
    """The version of LTI that a campus speaks."""
    return protocol_for("lti-1.1" if address.issuer is None else "lti-1.3")


def product_of(address: Address, platforms: Mapping[str, str]) -> str | None:
    """The kind of LMS, if it is known. *platforms*: what the operator said, by consumer key."""
    return platforms.get(address.consumer_key, address.product)


def target_of(claim: Claim, secret: str, platforms: Mapping[str, str]) -> Target:
    """*secret*: the consumer's, or an access token. *platforms*: as of :func:`product_of`."""
    address = claim.address
    product = product_of(address, platforms)
    return Target(address.url, address.consumer_key, secret, claim.lis_result_sourcedid, product)
