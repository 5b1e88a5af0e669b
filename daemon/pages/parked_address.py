"""How addresses and forms name a group of parked grades. Pure."""

from urllib.parse import urlencode

from daemon.pages.filters import fingerprint


def parked_group_fields(
    example: int, consumer_key: str, origin: str, course_id: str, scope: str | None, reason: str | None
) -> dict[str, str]:
    """By one of its assignments, and by what the group was when the page was made."""
    return {"example": str(example), "group": fingerprint(consumer_key, origin, course_id, scope, reason)}


def parked_group_path(fields: dict[str, str]) -> str:
    """The address of its page."""
    return f"/parked/group?{urlencode(fields)}"
