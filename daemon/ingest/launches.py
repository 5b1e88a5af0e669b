"""Reads launches, and what disables them, over LTI 1.1 and 1.3. Pure."""

import re

from daemon.ingest.events import AssignmentDisabled, BadEvent, Launched, LineItemDisabled
from daemon.ingest.fields import MAX_DETAIL, MAX_SOURCEDID, EntryReader
from models.consumer import MAX_KEY
from models.launch import PlatformLaunch, Registration
from models.scopes import AGS_SCOPES, LINEITEM_SCOPE

#: Characters of the scopes that a launch offers.
MAX_SCOPES = 4096
#: What an LMS of LTI 1.1 may say that it takes beside the score (Canvas), and what that is called here.
EXTENSIONS = {
    "ext_outcome_submission_submitted_at_accepted": "submitted_at",
    "ext_outcome_submission_prioritize_non_tool_grade_accepted": "prioritize_non_tool_grade",
}

# A platform's own scopes are URLs too. No known one has a comma or a quote: those belong to a list.
_SCOPE = re.compile(r"""[a-z][a-z0-9+.-]*:[^\s,"']+""", re.IGNORECASE)
# One of these makes it an event of LTI 1.3.
_LTI13_FIELDS = ("issuer", "client_id", "lineitem", "lineitems")
_LTI11_FIELDS = ("lis_result_sourcedid", "lis_outcome_service_url")


def read_launch(reader: EntryReader) -> Launched:
    """
    A launch; ungraded where the LMS asks for no grade.

    That is so where the sourcedid is empty, or over LTI 1.3 where there is no line item, and none may be made.
    """
    return Launched(_platform_launch(reader) if _is_lti13(reader) else _consumer_launch(reader))


def read_disabling(reader: EntryReader) -> AssignmentDisabled | LineItemDisabled:
    """An ``assignment.disabled`` over either version."""
    if not _is_lti13(reader):
        return AssignmentDisabled(
            consumer_key=reader.text("oauth_consumer_key", MAX_DETAIL),
            lis_result_sourcedid=reader.text("lis_result_sourcedid", MAX_SOURCEDID),
            modified_us=reader.modified(),
            entry_id=reader.entry_id,
        )
    _refuse_both(reader, ("oauth_consumer_key", *_LTI11_FIELDS))
    of_link = bool(reader.optional("lineitems")) and not reader.optional("lineitem")
    return LineItemDisabled(
        issuer=reader.text("issuer", MAX_DETAIL),
        client_id=reader.text("client_id", MAX_DETAIL),
        lineitem=None if of_link else reader.address("lineitem"),
        lti_user_id=reader.text("lti_user_id", MAX_DETAIL),
        modified_us=reader.modified(),
        lineitems=reader.address("lineitems") if of_link else None,
        resource_link_id=reader.text("resource_link_id", MAX_DETAIL) if of_link else None,
        entry_id=reader.entry_id,
    )


def _is_lti13(reader: EntryReader) -> bool:
    return any(reader.optional(name) for name in _LTI13_FIELDS)


def _refuse_both(reader: EntryReader, others: tuple[str, ...]) -> None:
    found = [name for name in others if reader.optional(name)]
    if found:
        of_lti13 = next(name for name in _LTI13_FIELDS if reader.optional(name))
        raise BadEvent(
            f"{found[0]} is of LTI 1.1 and {of_lti13} of LTI 1.3: which of the two grades is meant? send an event each",
            found[0],
        )


def _consumer_launch(reader: EntryReader) -> Registration | None:
    if reader.optional("lis_result_sourcedid") == "":
        return None
    return Registration(
        consumer_key=reader.text("oauth_consumer_key", MAX_DETAIL),
        user_id=reader.id("user_id"),
        course_id=reader.id("course_id"),
        usage_id=reader.id("usage_id"),
        lis_result_sourcedid=reader.text("lis_result_sourcedid", MAX_SOURCEDID),
        lis_outcome_service_url=reader.address("lis_outcome_service_url"),
        modified_us=reader.modified(),
        instance_guid=reader.detail("tool_consumer_instance_guid", MAX_DETAIL) or None,
        lti_user_id=reader.detail("lti_user_id", MAX_DETAIL) or None,
        offered=_extensions(reader),
        entry_id=reader.entry_id,
        resource_link_id=reader.detail("resource_link_id", MAX_DETAIL) or None,
        context_title=reader.detail("context_title", MAX_DETAIL) or None,
        resource_link_title=reader.detail("resource_link_title", MAX_DETAIL) or None,
    )


def _platform_launch(reader: EntryReader) -> Registration | None:
    if not reader.optional("lti1p1_resource_link_id"):
        # Beside it the LTI 1.1 address says from where the assignment moves.
        _refuse_both(reader, _LTI11_FIELDS)
    issuer, client_id = reader.text("issuer", MAX_DETAIL), reader.text("client_id", MAX_DETAIL)
    scopes, is_container = _scopes(reader), not reader.optional("lineitem")
    if is_container and not reader.optional("lineitems"):
        return None
    sub = reader.text("lti_user_id", MAX_DETAIL)
    launch = Registration(
        consumer_key="",
        user_id=reader.id("user_id"),
        course_id=reader.id("course_id"),
        usage_id=reader.id("usage_id"),
        lis_result_sourcedid=sub,
        lis_outcome_service_url=reader.address("lineitems" if is_container else "lineitem"),
        modified_us=reader.modified(),
        lti_user_id=sub,
        offered=scopes,
        platform=PlatformLaunch(
            issuer=issuer,
            client_id=client_id,
            deployment_id=reader.detail("deployment_id", MAX_KEY) or None,
            product_family=reader.detail("product_family", MAX_DETAIL) or None,
            is_container=is_container,
            moves_from=reader.detail("oauth_consumer_key", MAX_DETAIL) or None,
            moved_link_id=reader.detail("lti1p1_resource_link_id", MAX_DETAIL) or None,
        ),
        entry_id=reader.entry_id,
        resource_link_id=reader.detail("resource_link_id", MAX_DETAIL) or None,
        context_title=reader.detail("context_title", MAX_DETAIL) or None,
        resource_link_title=reader.detail("resource_link_title", MAX_DETAIL) or None,
    )
    may_make_one = scopes is None or LINEITEM_SCOPE in scopes.split()
    return launch if may_make_one or not is_container else None


def _scopes(reader: EntryReader) -> str | None:
    """Each once, separated by blanks; None if the launch does not say."""
    text = reader.detail("scopes", MAX_SCOPES)
    if text is None:
        return None
    scopes = dict.fromkeys(text.split())
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise BadEvent(f"scopes holds {scope[:64]!r}, which is no whole scope: {_instead(scope)}", "scopes")
    return " ".join(scopes)


def _instead(scope: str) -> str:
    """What to send in place of what is no scope."""
    for whole in AGS_SCOPES:
        if whole.endswith(f"/{scope.lower()}"):
            return f"write {whole}, as the launch's endpoint claim does"
    return "send those of the launch's endpoint claim as they are, with a blank between two"


def _extensions(reader: EntryReader) -> str | None:
    """The names of those that the LMS takes, separated by blanks; None if the launch does not say."""
    said = {name: reader.detail(field, MAX_DETAIL) for field, name in EXTENSIONS.items()}
    if all(value is None for value in said.values()):
        return None
    return " ".join(name for name, value in said.items() if (value or "").strip().lower() in ("true", "1"))
