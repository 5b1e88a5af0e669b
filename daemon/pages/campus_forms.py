"""The forms of a campus's page, in HTML. Pure."""

import htpy as h
from htpy import Node

from daemon.pages.layout import token_field
from models.consumer import ProtocolName
from models.queries.campuses import CampusDetail

_TRIED: dict[ProtocolName, str] = {
    "lti-1.1": "Its first page is asked for; no grade is sent.",
    "lti-1.3": "Its first page and an access token are asked for; no grade is sent.",
}


def campus_forms(campus: CampusDetail, token: str) -> Node:
    """What an operator can do about a campus. *token*: for the forms."""
    path = f"/campuses/{campus.campus_id}"
    paused = campus.paused_at is not None
    verb, words = ("resume", "Resume") if paused else ("pause", "Pause")
    effect = "Its grades go out again." if paused else "Nothing goes to any of its addresses; nothing is lost."
    return h.section[
        h.h2["What an operator can do"],
        h.form(".inline", method="post", action=f"{path}/{verb}")[
            token_field(token), h.button(type="submit")[words], h.span[effect]
        ],
        h.form(".inline", method="post", action=f"{path}/check")[
            token_field(token), h.button(type="submit")["Try its set-up"], h.span[_TRIED[campus.protocol]]
        ],
        _secret_form(path, token)
        if campus.protocol == "lti-1.1"
        else h.p["It has no secret: ", h.a(href="/keys")["this tool's keys"], " sign what it gets."],
    ]


def _secret_form(path: str, token: str) -> Node:
    return h.details[
        h.summary["Change its secret"],
        h.form(method="post", action=f"{path}/secret", autocomplete="off")[
            token_field(token),
            h.label(for_="secret")["The new secret, exactly as the campus has it"],
            h.input("#secret", type="password", name="secret", required=True, autocomplete="new-password"),
            h.label[h.input(type="checkbox", name="when", value="later"), " the campus will change its own later"],
            h.button(type="submit")["Change the secret"],
        ],
    ]
