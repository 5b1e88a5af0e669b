"""Who did what, and when."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import htpy as h
from htpy import Node

from daemon.pages.filters import FilterField, filter_form, named_number, query_word
from daemon.pages.layout import Page, data_table, moment, text
from daemon.pages.site import Visit
from daemon.support.record import action_words
from daemon.why.known import Terms
from models.action import ActionPage, action_page

#: Actions on a page.
MAX_SHOWN_ACTIONS = 100


async def show_actions(visit: Visit) -> Page:
    """``/actions?account=NAME&before=ID``."""
    account = query_word(visit.request, "account")
    before = named_number(visit.request.query, "before") if "before" in visit.request.query else None
    found = await action_page(account=account, before=before, most=MAX_SHOWN_ACTIONS)
    return Page("Actions", actions_content(found, account, await visit.terms()))


def actions_content(found: ActionPage, account: str | None, terms: Terms) -> Node:
    """The page's content. Pure."""
    older = urlencode({name: value for name, value in (("account", account), ("before", found.older)) if value})
    return (
        filter_form("/actions", (FilterField("account", "Who", account),)),
        data_table(
            "What was changed, the newest first",
            ("when", "who", "host", "command", "on what", "how many"),
            [_action(one, terms) for one in found.rows],
        )
        if found.rows
        else h.p["Nothing was done here." if found.older is None else "Nothing was done in this time."],
        found.older is not None and h.p[h.a(href=f"/actions?{older}", rel="next")["Older ones"]],
    )


def _action(one: Mapping[str, Any], terms: Terms) -> tuple[Node, ...]:
    account = one["account"]
    return (
        moment(one["at"], terms.zone),
        h.a(href=f"/actions?{urlencode({'account': account})}")[text(account)],
        one["host"],
        one["command"],
        action_words(one["selection"]),
        action_words(one["counts"]),
    )
