"""Every URL by every method and every role: no one does more than the table of routes says."""

import re

import pytest

from daemon.pages.routes import ROUTES
from tests.daemon.pages.attacks.attack import Attack, asked
from tests.daemon.pages.attacks.proxies import FROM, KNOWN
from tests.daemon.pages.attacks.scene import MARK, cookie
from tests.daemon.pages.attacks.wire import exchange

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
#: How each proves who it is, the token of its forms, and what it is.
VISITORS = {
    "no one": ((), "", None),
    "a support person": ((cookie("«ben»"),), "«token of ben»", "support"),
    "an operator": ((cookie("«anna»"),), "«token of anna»", "operator"),
    "a support person by a web server": ((KNOWN, FROM, "X-User: ben"), "«token of ben by proxy»", "support"),
    "an operator by a web server": ((KNOWN, FROM, "X-User: anna"), "«token by proxy»", "operator"),
    "no one by a web server": ((KNOWN, FROM, "X-User: eve"), "", None),
}
KEYS = {"assignments": "«id»", "campuses": "«campus»", "quarantine": "«event»"}
PATHS = sorted({route.path for route in ROUTES})


def path_of(pattern):
    return re.sub(r"/(\w+)/\{id:[^}]*\}\}", lambda found: f"/{found[1]}/{KEYS[found[1]]}", pattern)


def expected(path, method, role, visitor):
    """The statuses that may be answered, and whether anything may be changed by them."""
    route = next((one for one in ROUTES if (one.path, one.method) == (path, method.replace("HEAD", "GET"))), None)
    if route is None:
        # Of CONNECT the target is no path (RFC 9110, 9.3.6).
        return {404, 405}, False
    if role is None:
        return ({403} if "web server" in visitor else {303}), False
    if route.role == "operator" and role != "operator":
        return {403}, False
    if route.path == "/logout" and "web server" in visitor:
        return {403}, False
    return {200, 303, 400, 404, 409, 422, 503}, route.method == "POST"


def test_every_path_can_be_asked_for():
    assert not [path for path in map(path_of, PATHS) if re.search(r"[{}\[\]]", path)]


@pytest.mark.parametrize("path", PATHS, ids=path_of)
async def test_no_role_does_more_than_its_routes_say(scene, path):
    for visitor in VISITORS:
        (scene.proxy if "web server" in visitor else scene.no_proxy)()
        # Those that change something last, since what comes behind them would find it changed.
        for method in sorted(METHODS, key="POST".__eq__):
            assert await fault(scene, path, method, visitor) is None, (visitor, method)


async def fault(scene, path, method, visitor):
    """What came of a request that should not have, if anything did."""
    headers, token, role = VISITORS[visitor]
    body = f"token={token}" if method not in ("GET", "HEAD") else None
    before = await scene.stored()
    data = Attack("", asked(path_of(path), *headers, method=method, body=body), ()).data(scene.values)
    answer = await exchange(scene.port, data)
    statuses, changes = expected(path, method, role, visitor)
    if len(answer.statuses) != 1 or answer.statuses[0] not in statuses:
        return answer.text
    if not changes and await scene.stored() != before:
        return "something was changed"
    return answer.text if role is None and MARK in answer.text else None
