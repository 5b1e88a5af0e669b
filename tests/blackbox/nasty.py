"""Platforms that repeat in their errors what they were sent, or give tokens in answers that cannot be used."""

import json
import secrets
from collections.abc import Callable
from itertools import chain, repeat

from daemon.demo.platform.kind import PlatformReply, json_reply, oauth_error
from daemon.demo.platform.request import PlatformRequest
from tests.blackbox.sites import assertion_of
from tests.fakes.platform import Misbehaviour, well

Reply = Callable[[PlatformRequest], PlatformReply]


class Nasty:
    """
    What a platform does with the first requests of a client; :attr:`given` are the tokens in its useless answers.

    Args:
        token, score: Names of answers to its token requests and to its scores, in order; after them all is well.
    """

    def __init__(self, token: tuple[str, ...], score: tuple[str, ...]) -> None:
        self.given: list[str] = []
        replies = {**self._of_tokens(), **_OF_SCORES}
        self._next = {
            operation: chain((replies[name] for name in names), repeat(None))
            for operation, names in (("token", token), ("score", score))
        }

    def __call__(self, record: PlatformRequest) -> Misbehaviour:
        reply = next(self._next[record.operation]) if record.operation in self._next else None
        return well() if reply is None else Misbehaviour(serves=False, reply=reply(record))

    def _given(self) -> str:
        self.given.append(secrets.token_urlsafe(24))
        return self.given[-1]

    def _of_tokens(self) -> dict[str, Reply]:
        return {
            "assertion": lambda one: oauth_error(400, "invalid_client", f"cannot verify {assertion_of(one)}"),
            "half an assertion": lambda one: _text(400, f"no good: {assertion_of(one)[:300]}"),
            "form": lambda one: _page(500, f"<h1>Error</h1><p>{one.body.decode()}</p>"),
            "redirect": lambda _: _text(302, "", Location=f"https://sso.example/in?access_token={self._given()}"),
            "broken JSON": lambda _: _text(200, f'{{"access_token": "{self._given()}", "expires_in": 3600'),
            "refused with a token": lambda _: json_reply({"access_token": self._given(), "ok": False}, 401),
            "failed with broken JSON": lambda _: _text(503, f'{{"access_token":"{self._given()}","token_ty'),
            "bearer": lambda _: _text(503, f"try again with Authorization: Bearer {self._given()}"),
        }


def _token(record: PlatformRequest) -> str:
    return record.headers["Authorization"].partition(" ")[2]


_OF_SCORES: dict[str, Reply] = {
    "unknown": lambda one: json_reply({"error": f"Invalid access token {_token(one)}"}, 401),
    "expired": lambda one: json_reply({"errors": [{"message": f"Bearer {_token(one)} has expired"}]}, 403),
    "headers": lambda one: _page(500, f"<pre>{json.dumps(dict(one.headers))}</pre>"),
    "elsewhere": lambda one: _text(302, "", Location=f"/login?next=/&token={_token(one)}"),
    "a page": lambda one: _page(200, f"<p>Session {_token(one)} has ended</p>"),
    "challenge": lambda one: PlatformReply(401, headers={"WWW-Authenticate": f'Bearer realm="{_token(one)}"'}),
}


def _text(status: int, words: str, **headers: str) -> PlatformReply:
    return PlatformReply(status, words.encode(), "text/plain", headers)


def _page(status: int, inside: str) -> PlatformReply:
    return PlatformReply(status, f"<!DOCTYPE html><html><body>{inside}</body></html>".encode(), "text/html")
