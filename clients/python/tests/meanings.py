"""What an event of the client means to passbackd, field by field."""

import time
from functools import singledispatch
from urllib.parse import urlsplit

from made_events import AGS, microseconds
from yarl import URL

import passbackd_client as client
from daemon.ingest import events
from daemon.ingest.parse import read_event
from models.course_tree import Tree
from models.launch import PlatformLaunch, Registration

#: When all entries arrive, in milliseconds since 1970.
ARRIVAL = int(time.time() * 1000)


def taken(fields):
    """passbackd's own record of an entry. :raises BadEvent: if it would be put into quarantine."""
    entry = {name.encode(): text.encode() for name, text in fields.items()}
    found = read_event(f"{ARRIVAL}-0", entry, now=ARRIVAL)
    return of_structure(found) if isinstance(found, events.CourseStructured | events.LearnerStructured) else found


@singledispatch
def meaning(event):
    """passbackd's own record of an event."""
    raise NotImplementedError(event)


def where(event):
    return {"user_id": event.user_id, "course_id": event.course_id, "usage_id": event.usage_id} | moment(event)


def moment(event):
    given = microseconds(event.modified)
    return {"modified_us": ARRIVAL * 1000 if given is None else given}


def as_dns_has_it(url):
    """A URL with a host of a national script."""
    netloc = urlsplit(url).netloc
    return url if netloc.isascii() else url.replace(netloc, URL(f"https://{netloc}").raw_authority, 1)


@meaning.register
def _(event: client.ScoreChanged):
    points = {"points_earned": event.points_earned, "points_possible": event.points_possible}
    return events.ScoreChanged(**where(event), **points)


@meaning.register
def _(event: client.ScoreCleared):
    return events.ScoreCleared(**where(event))


@meaning.register
def _(event: client.CourseStructure):
    tree = [(block.usage_id, block.parent, block.points_possible) for block in event.blocks]
    if event.user_id is None:
        return event.course_id, event.version, Tree(tree).blocks(), microseconds(event.modified)
    return event.user_id, event.course_id, event.version, Tree(tree).blocks() if tree else None


def of_structure(found):
    """The same of passbackd's record, whose trees know no equality; an own one without a time has its entry's."""
    blocks = found.tree and found.tree.blocks()
    if isinstance(found, events.CourseStructured):
        return found.course_id, found.version, blocks, found.modified_us
    return found.user_id, found.course_id, found.version, blocks


@meaning.register
def _(event: client.LaunchLti11):
    if not event.lis_result_sourcedid:
        return events.Launched(None)
    canvas = {
        "submitted_at": event.ext_outcome_submission_submitted_at_accepted,
        "prioritize_non_tool_grade": event.ext_outcome_submission_prioritize_non_tool_grade_accepted,
    }
    said = [name for name, value in canvas.items() if value is not None]
    return events.Launched(
        Registration(
            **where(event),
            consumer_key=event.oauth_consumer_key,
            lis_result_sourcedid=event.lis_result_sourcedid,
            lis_outcome_service_url=as_dns_has_it(event.lis_outcome_service_url),
            instance_guid=event.tool_consumer_instance_guid,
            lti_user_id=event.lti_user_id,
            offered=" ".join(name for name in said if canvas[name] == "true") if said else None,
            **titles(event),
        )
    )


def titles(event):
    return {name: getattr(event, name) for name in ("resource_link_id", "context_title", "resource_link_title")}


@meaning.register
def _(event: client.LaunchLti13):
    may_make = event.scopes is None or f"{AGS}lineitem" in event.scopes
    if event.lineitem is None and (event.lineitems is None or not may_make):
        return events.Launched(None)
    return events.Launched(
        Registration(
            **where(event),
            consumer_key="",
            lis_result_sourcedid=event.lti_user_id,
            lis_outcome_service_url=as_dns_has_it(event.lineitem or event.lineitems),
            lti_user_id=event.lti_user_id,
            offered=None if event.scopes is None else " ".join(event.scopes),
            platform=PlatformLaunch(
                issuer=event.issuer,
                client_id=event.client_id,
                deployment_id=event.deployment_id,
                product_family=event.product_family,
                is_container=event.lineitem is None,
                moves_from=event.oauth_consumer_key,
                moved_link_id=event.lti1p1_resource_link_id,
            ),
            **titles(event),
        )
    )


@meaning.register
def _(event: client.AssignmentDisabledLti11):
    return events.AssignmentDisabled(event.oauth_consumer_key, event.lis_result_sourcedid, **moment(event))


@meaning.register
def _(event: client.AssignmentDisabledLti13):
    of_link = event.lineitem is None
    return events.LineItemDisabled(
        event.issuer,
        event.client_id,
        None if of_link else as_dns_has_it(event.lineitem),
        event.lti_user_id,
        lineitems=as_dns_has_it(event.lineitems) if of_link else None,
        resource_link_id=event.resource_link_id if of_link else None,
        **moment(event),
    )


@meaning.register
def _(event: client.UserRetired):
    return events.UserRetired(event.user_id, **moment(event))
