"""Every page: its path, who may ask for it, and what answers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from daemon.pages import (
    actions,
    activities,
    assignment,
    campuses,
    course_csv,
    course_resend,
    keys,
    learners,
    overview,
    parked,
    quarantine,
    quarantine_group,
)
from daemon.pages.download import Download
from daemon.pages.layout import Page
from daemon.pages.login import log_out
from daemon.pages.site import Visit
from models.web_user import Role


@dataclass(frozen=True, slots=True)
class Route:
    """*role*: what a user has to be at least. *streams*: whether it answers with a file, which may take minutes."""

    method: str
    path: str
    role: Role
    handle: Callable[[Visit], Awaitable[Page | web.Response | Download]]
    streams: bool = False


_ASSIGNMENT, _CAMPUS = r"/assignments/{id:[0-9]{1,18}}", r"/campuses/{id:[0-9]{1,18}}"
_EVENT = r"/quarantine/{id:[0-9]{1,18}}"

ROUTES = (
    Route("GET", "/", "support", overview.show_overview),
    Route("GET", "/learners", "support", learners.show_learners),
    Route("GET", _ASSIGNMENT, "support", assignment.show_assignment),
    Route("POST", f"{_ASSIGNMENT}/resend", "support", assignment.resend_one),
    Route("POST", f"{_ASSIGNMENT}/ask", "support", assignment.ask_campus),
    Route("GET", "/activities", "support", activities.show_activities),
    Route("GET", "/activities.csv", "support", course_csv.download_grades, streams=True),
    Route("POST", "/activities/resend", "operator", course_resend.resend_of_course),
    Route("GET", _CAMPUS, "support", campuses.show_campus),
    Route("POST", f"{_CAMPUS}/pause", "operator", campuses.pause_it),
    Route("POST", f"{_CAMPUS}/resume", "operator", campuses.resume_it),
    Route("POST", f"{_CAMPUS}/check", "operator", campuses.try_server),
    Route("POST", f"{_CAMPUS}/secret", "operator", campuses.change_secret),
    Route("GET", "/parked", "support", parked.show_parked),
    Route("GET", "/parked/group", "support", parked.show_parked_group),
    Route("POST", "/parked/resend", "operator", parked.resend_group),
    Route("GET", "/quarantine", "support", quarantine.show_quarantine),
    Route("GET", _EVENT, "support", quarantine.show_event_page),
    Route("POST", f"{_EVENT}/replay", "operator", quarantine_group.replay_event),
    Route("POST", f"{_EVENT}/drop", "operator", quarantine_group.drop_event),
    Route("GET", "/quarantine/group", "support", quarantine_group.show_event_group),
    Route("POST", "/quarantine/replay", "operator", quarantine_group.replay_group),
    Route("POST", "/quarantine/drop", "operator", quarantine_group.drop_group),
    Route("GET", "/keys", "support", keys.show_keys),
    Route("POST", "/keys", "operator", keys.add_tool_key),
    Route("POST", "/keys/withdraw", "operator", keys.withdraw_it),
    Route("GET", "/actions", "support", actions.show_actions),
    Route("POST", "/logout", "support", log_out),
)
