"""A campus: how it fares, what is known of it, and what an operator can do about it."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import htpy as h
from aiohttp import web
from htpy import Node

from daemon.check.campuses import campus_findings
from daemon.check.findings import Finding
from daemon.check.probe import OutOfReachError, probe
from daemon.check.tokens import open_tokens, token_finding
from daemon.config.sections import OutcomesSection
from daemon.infra.text import counted, past
from daemon.pages.access import RefusedError
from daemon.pages.campus_forms import campus_forms
from daemon.pages.done import lead_back
from daemon.pages.layout import Page, ago, alarm, moment, text
from daemon.pages.parked import reasons_content
from daemon.pages.site import Visit
from daemon.pages.states import states_table
from daemon.support.record import record_by, recorded_by
from daemon.why.advice import PEOPLE
from daemon.why.known import Terms, protocol_words
from daemon.why.trouble import campus_trouble
from daemon.wiring import SHARED
from models import consumer_admin
from models.db.together import together
from models.encryption import secret_fault
from models.platform_admin import note_signing_key
from models.queries.campuses import CampusDetail, read_campus
from models.queries.parked import ParkedGroup, read_parked
from models.secrets import PlaintextRefusedError
from models.states import STATES


@dataclass(frozen=True, slots=True)
class CampusAsked:
    """
    What the page shows.

    *states*: how many assignments are in each. *certificate_end*: seconds since 1970, if known. *findings*: of a check
    that was asked for. *parked*: its grades that wait for a person.
    """

    campus: CampusDetail
    states: Mapping[str, int]
    outcomes: OutcomesSection
    certificate_end: float | None = None
    findings: Sequence[Finding] = ()
    parked: Sequence[ParkedGroup] = ()


async def show_campus(visit: Visit) -> Page:
    """``/campuses/ID``."""
    return await _page(visit, await _campus(visit))


async def pause_it(visit: Visit) -> web.Response:
    """``POST /campuses/ID/pause``."""
    return await _change(visit, "pause", consumer_admin.pause)


async def resume_it(visit: Visit) -> web.Response:
    """``POST /campuses/ID/resume``."""
    return await _change(visit, "resume", consumer_admin.resume)


async def _change(visit: Visit, verb: str, change: Callable[..., Awaitable[bool]]) -> web.Response:
    campus = await _campus(visit)
    async with recorded_by(f"{_group(campus)} {verb}", {"consumer": campus.consumer_key}, visit.actor) as counts:
        counts["campuses"] = int(await change(campus.consumer_key, now=visit.now))
    return lead_back(visit, f"/campuses/{campus.campus_id}")


async def try_server(visit: Visit) -> Page:
    """``POST /campuses/ID/check``: the page with what its server answers now, as ``check --deep`` asks it."""
    campus, probes = await _campus(visit), visit.daemon.probes
    key = campus.consumer_key if campus.consumer_key in probes.sessions else SHARED
    try:
        found = campus_findings("its server", await probe(campus.origin, probes, key), now=visit.now / 1000)
    except OutOfReachError as error:
        found = campus_findings("its server", error, now=visit.now / 1000)
    if campus.protocol == "lti-1.3":
        found.append(await _token_finding(visit, campus))
    return await _page(visit, campus, found)


async def _token_finding(visit: Visit, campus: CampusDetail) -> Finding:
    """As ``platform check``: the proof that the set-up works."""
    async with open_tokens(visit.site.config, visit.daemon.clock, note_signing_key) as tokens:
        return await token_finding(await consumer_admin.known_consumer(campus.consumer_key), tokens)


async def change_secret(visit: Visit) -> web.Response:
    """``POST /campuses/ID/secret``: at once, or (``when=later``) beside the present one until it is accepted."""
    campus, secret = await _campus(visit), visit.form.get("secret", "")
    if campus.protocol != "lti-1.1":
        raise RefusedError(409, "An LTI 1.3 platform has no secret. `passbackd keys` has the tool's keys.")
    fault = secret_fault(secret)
    if fault is not None:
        raise RefusedError(400, f"The secret {fault}. Nothing was changed.")
    encrypted, later = visit.site.config.secrets.cipher.encrypt(secret), visit.form.get("when") == "later"
    selection = {"consumer": campus.consumer_key, "name": campus.consumer, "pending": later, "replace": not later}
    try:
        await _store_secret(visit, campus, encrypted, selection)
    except (consumer_admin.ConsumerError, PlaintextRefusedError) as error:
        raise RefusedError(409, f"Nothing was changed: {error}.") from error
    return lead_back(visit, f"/campuses/{campus.campus_id}")


async def _store_secret(visit: Visit, campus: CampusDetail, encrypted: str, selection: dict[str, Any]) -> None:
    if selection["pending"]:
        async with recorded_by("consumer add", selection, visit.actor):
            await consumer_admin.pend(campus.consumer_key, encrypted, now=visit.now)
        return
    await consumer_admin.add(
        campus.consumer,
        campus.consumer_key,
        encrypted,
        guid=None,
        record=lambda: record_by("consumer add", selection, {}, visit.actor),
        now=visit.now,
    )


async def _campus(visit: Visit) -> CampusDetail:
    campus_id = int(visit.request.match_info["id"])
    campus = await read_campus(campus_id, now=visit.now)
    if campus is None:
        raise RefusedError(404, f"There is no campus {campus_id}.")
    return campus


async def _page(visit: Visit, campus: CampusDetail, findings: Sequence[Finding] = ()) -> Page:
    status, parked, terms = await together(visit.status(), read_parked(campus_id=campus.campus_id), visit.terms())
    at_it = (one for one in status.campuses if one.campus_id == campus.campus_id)
    states = next((one.numbers for one in at_it), dict.fromkeys(STATES, 0))
    ends = visit.daemon.probes.certificate_ends.get(campus.origin)
    asked = CampusAsked(campus, states, visit.site.config.outcomes, ends, findings, parked)
    content = campus_page(asked, terms, visit.token, operates=visit.operates)
    return Page(f"{campus.consumer}", content)


def _group(campus: CampusDetail) -> str:
    """Of subcommands, by which the record of actions names what is done."""
    return "consumer" if campus.protocol == "lti-1.1" else "platform"


def campus_page(asked: CampusAsked, terms: Terms, token: str, *, operates: bool) -> Node:
    """The page's content. *token*: for its forms. Pure."""
    campus = asked.campus
    trouble = campus_trouble(campus, terms)
    state = alarm(campus.campus_state) if campus.campus_state in ("down", "probing") else h.strong[campus.campus_state]
    return (
        h.p[text(campus.origin), ": ", state],
        h.p[f"As of {past(terms.now, terms.zone, seconds=True)}."],
        trouble is not None and (h.p[text(trouble.words)], h.p[h.strong[f"Who has to act: {PEOPLE[trouble.who]}."]]),
        bool(asked.findings) and _findings(asked.findings),
        operates and campus_forms(campus, token),
        states_table(asked.states),
        bool(asked.parked) and h.section[h.h2["Its parked grades"], reasons_content(asked.parked, terms)],
        h.section[h.h2["What is known of it"], h.dl[_known(asked, terms)]],
    )


def _findings(findings: Sequence[Finding]) -> Node:
    return h.section[
        h.h2["Its server was tried now"],
        h.ul[(h.li[text(one.line()) if one.severity == "ok" else alarm(one.line())] for one in findings)],
    ]


def _known(asked: CampusAsked, terms: Terms) -> Iterator[Node]:
    campus = asked.campus
    for name, value in _facts(asked, terms).items():
        yield h.dt[name], h.dd[value]
    if campus.last_error:
        is_present = campus.failing or campus.tripped_at is not None or campus.campus_state == "throttled"
        head = "Last error" if is_present else "Last error, before it took grades again"
        yield h.dt[head], h.dd[text(campus.last_error), " ", moment(campus.last_error_at, terms.zone)]


def _facts(asked: CampusAsked, terms: Terms) -> dict[str, Node]:
    campus, zone = asked.campus, terms.zone
    most = asked.outcomes.max_per_campus
    limit = f"{most} at once" if campus.max_in_flight is None else f"{campus.max_in_flight} of {most} at once, for now"
    ends = "not known" if asked.certificate_end is None else moment(int(asked.certificate_end * 1000), zone)
    ahead = campus.clock_offset
    facts: dict[str, Node] = {
        "Key": text(campus.consumer_key),
        "Protocol": protocol_words(campus.protocol),
        "Last success": ago(campus.accepted_at, terms.now, zone),
        "First answer": ago(campus.answered_at, terms.now, zone),
        "Limit": limit,
        "Requests": "slow, more than a second each" if campus.slow else "quick",
        "Clock": "right" if not ahead else f"{counted(abs(ahead), 'second')} {'ahead' if ahead > 0 else 'behind'}",
        "Certificate valid until": ends if campus.origin.startswith("https:") else "no TLS",
        "Set as LMS": asked.outcomes.profiles.get(campus.consumer_key, "recognised by its answers"),
    }
    if campus.protocol == "lti-1.1":
        facts["Instance of the LMS"] = text(campus.guid or "that of the first launch")
        facts["Secrets"] = "two, the pending one is tried first" if campus.pending else "one"
    else:
        named = {
            "Issuer": campus.issuer,
            "Client id": campus.client_id,
            "Deployment": campus.deployment_id,
            "Token URL": campus.token_url,
            "Audience": campus.audience,
            "Product": campus.product,
        }
        facts.update({name: text(value or "not said") for name, value in named.items()})
    return facts
