"""Every attack comes to nothing: it is refused, changes nothing, begins no session, and shows nothing of anyone."""

import pytest

from models.assignment import GradedAssignment
from models.consumer import LtiConsumer
from tests.daemon.pages.attacks import forms, hosts, logins, paths, proxies, sessions, smuggled
from tests.daemon.pages.attacks.attack import Attack, asked, sent
from tests.daemon.pages.attacks.scene import MARK, cookie
from tests.daemon.pages.attacks.wire import exchange

KINDS = (sessions, forms, hosts, proxies, logins, paths, smuggled)
TABLE = [attack for kind in KINDS for attack in kind.ATTACKS]
#: A session, or a way elsewhere.
NEVER_IN_HEAD = ("Set-Cookie", "X-Evil", "Location: //", "Location: http", "Location: /\\")
#: What only users may read or only the source holds, and what a browser would run.
NEVER = (MARK, "Traceback", "def ", "failed (", "<script>alert")


def test_the_table_is_long_and_no_two_attacks_are_the_same():
    assert len(TABLE) >= 300
    assert len({attack.name for attack in TABLE}) == len(TABLE), "each has a name of its own"
    assert len({(attack.sends, attack.behind) for attack in TABLE}) == len(TABLE), "each sends something of its own"
    assert all(len(kind.ATTACKS) >= 20 for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.rpartition(".")[2])
async def test_every_attack_comes_to_nothing(scene, kind):
    before = await scene.stored()
    assert {attack.name: wrong for attack in kind.ATTACKS if (wrong := await fault(scene, attack, before))} == {}


async def fault(scene, attack, before):
    """What came of an attack, if anything did."""
    getattr(scene, attack.behind)()
    # Wrong passwords of the attack before do not count.
    scene.clock.seconds += 3600
    answer = await exchange(scene.port, attack.data(scene.values))
    if len(answer.statuses) != 1 or answer.statuses[0] not in attack.statuses:
        return f"{answer.statuses} in place of {attack.statuses}: {answer.text[:1000]}"
    if await scene.stored() != before:
        return f"something was changed: {answer.text[:1000]}"
    shown = [word for word in NEVER if word in answer.text] + [word for word in NEVER_IN_HEAD if word in answer.head]
    return f"{shown} in {answer.text[:1000]}" if shown else None


async def test_a_right_log_in_leads_nowhere_else(stranger, users):
    for wanted in logins.ELSEWHERE.values():
        await stranger.log_in(to=wanted)
        assert stranger.answer.headers["Location"] == "/", wanted


async def test_what_an_attack_would_gain_is_there_for_those_who_may(scene):
    """So that the table is no list of requests which would be refused in any case."""

    async def answer(text):
        return await exchange(scene.port, Attack("", text, ()).data(scene.values))

    shown = await answer(asked("/assignments/«id»", cookie("«anna»")))
    assert (shown.statuses, MARK in shown.text) == ((200,), True)
    began = await answer(sent("/login", "name=anna&password=«password»"))
    assert (began.statuses, "Set-Cookie: passbackd=" in began.head) == ((303,), True)
    resent = await answer(forms.form(forms.OWN, "Origin: http://«host»", "Sec-Fetch-Site: same-origin"))
    assert (resent.statuses, (await GradedAssignment.get()).forced_version > 0) == ((303,), True)
    assert len((await answer(smuggled.SECOND)).statuses) == 1
    scene.proxy()
    assert (await answer(proxies.passed(proxies.NAMED))).statuses == (200,)
    assert (await answer(proxies.form(proxies.OWN, proxies.NAMED))).statuses == (303,)
    assert (await LtiConsumer.get()).paused_at is not None
