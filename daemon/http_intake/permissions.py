"""Whether a token may send an event."""

from collections.abc import Awaitable, Callable, Mapping

from daemon.config.intake_tokens import OF_A_CONSUMER, IntakeToken

#: Of an LTI 1.3 platform, the key by its issuer and client id; None if it is not known.
FindPlatformKey = Callable[[str, str], Awaitable[str | None]]


class NotAllowedError(Exception):
    """A token's limits do not allow an event. *field*: that which says what is not allowed."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


async def check_permission(token: IntakeToken, fields: Mapping[str, str], platform_key: FindPlatformKey) -> None:
    """
    Check an event that intake would take.

    Raises:
        NotAllowedError: The token is limited to other types, or to other consumers than the event names.
    """
    if token.types is not None and fields["type"] not in token.types:
        raise NotAllowedError(f"this token is for {', '.join(sorted(token.types))} only", "type")
    if token.consumers is None or fields["type"] not in OF_A_CONSUMER:
        return
    # What it moves from loses its assignment.
    key = fields.get("oauth_consumer_key")
    if key and key not in token.consumers:
        raise NotAllowedError(f"this token is not for the consumer {key[:64]!r}", "oauth_consumer_key")
    issuer, client_id = fields.get("issuer"), fields.get("client_id")
    if (issuer or client_id) and await platform_key(issuer or "", client_id or "") not in token.consumers:
        raise NotAllowedError(
            f"this token is not for the platform with the client id {(client_id or '')[:64]!r}", "client_id"
        )
