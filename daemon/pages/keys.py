"""The keys with which this tool signs for LTI 1.3 platforms: listing, making and withdrawing them."""

from collections.abc import Mapping, Sequence
from typing import Any

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.pages.access import RefusedError
from daemon.pages.done import lead_back
from daemon.pages.layout import Page, alarm, data_table, moment, text, token_field
from daemon.pages.site import Visit
from daemon.support.keys import KEY_STATE_WORDS, new_tool_key, withdraw_tool_key
from daemon.why.known import Terms
from models.key_admin import KeyRefusedError, key_listing
from models.secrets import PlaintextRefusedError


async def show_keys(visit: Visit) -> Page:
    """``/keys``."""
    return Page(
        "Keys", keys_page(await key_listing(visit.now), await visit.terms(), visit.token, operates=visit.operates)
    )


async def add_tool_key(visit: Visit) -> web.Response:
    """``POST /keys``: a key more, which signs once platforms have had time to fetch it."""
    try:
        await new_tool_key(visit.site.config, visit.actor, now=visit.now)
    except (KeyRefusedError, PlaintextRefusedError) as error:
        raise RefusedError(409, f"No key was made: {error}.") from error
    return lead_back(visit, "/keys")


async def withdraw_it(visit: Visit) -> web.Response:
    """``POST /keys/withdraw``: as after a leak; ``confirm`` says that it is meant."""
    if visit.form.get("confirm") != "yes":
        raise RefusedError(400, "No key was withdrawn: say first, in the form, that it is to go for good.")
    try:
        await withdraw_tool_key(visit.form.get("kid", ""), visit.actor, now=visit.now)
    except KeyRefusedError as error:
        raise RefusedError(409, f"No key was withdrawn: {error}.") from error
    return lead_back(visit, "/keys")


def keys_page(keys: Sequence[Mapping[str, Any]], terms: Terms, token: str, *, operates: bool) -> Node:
    """The page's content. *keys*: as :func:`models.key_admin.key_listing` gives them. Pure."""
    headings = ("key", "state", "made", "signs from", "published until", "accepted last by")
    return (
        h.p["Platforms fetch the public halves from ", h.a(href="/jwks")["/jwks"], "."],
        data_table("Signing keys", headings, [_key_row(key, terms) for key in keys])
        if keys
        else h.p[
            "No key yet, so that nothing can go out over LTI 1.3. An operator makes one here; so does the first "
            "platform that is added."
        ],
        operates and _make_form(token),
        operates and [_withdraw_form(key["kid"], keys, token) for key in keys if key["withdrawn_at"] is None],
    )


def _key_row(key: Mapping[str, Any], terms: Terms) -> Sequence[Node]:
    times = [moment(key[name], terms.zone) for name in ("created_at", "signs_from", "published_until")]
    return key["kid"], KEY_STATE_WORDS[key["state"]], *times, ", ".join(key["platforms"])


def _make_form(token: str) -> Node:
    return h.form(".inline", method="post", action="/keys")[
        token_field(token),
        h.button(type="submit")["Make a new key"],
        h.span["It is published at once, and signs once every platform has had time to fetch it."],
    ]


def _withdraw_form(kid: str, keys: Sequence[Mapping[str, Any]], token: str) -> Node:
    others = [key for key in keys if key["kid"] != kid and key["state"] in ("published", "signs", "kept")]
    return h.details[
        h.summary[text(f"Withdraw {kid}")],
        h.form(method="post", action="/keys/withdraw")[
            token_field(token),
            h.input(type="hidden", name="kid", value=kid),
            h.p[
                "After a leak: first make a new key, then withdraw the one that leaked. It is neither published nor "
                "used any more, and the next one signs at once. A platform that does not know that one yet refuses it "
                "until it fetches it; those grades wait, and nothing is lost."
            ],
            not others and h.p[alarm("There is no other key: nothing goes out over LTI 1.3 until one is made.")],
            h.label[h.input(type="checkbox", name="confirm", value="yes", required=True), " Withdraw it for good"],
            h.button(type="submit")["Withdraw this key"],
        ],
    ]
