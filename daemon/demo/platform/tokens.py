"""Access tokens of a platform: who may have one, for which scopes and how long. Times are seconds since 1970."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from urllib.parse import parse_qsl

from daemon.demo.platform.assertion import (
    AssertionRules,
    RefusedAssertionError,
    check_claims,
    unverified,
    verify_signature,
)
from daemon.demo.platform.keys import ToolKeys


class AgsScope(StrEnum):
    """The scopes of LTI AGS 2.0."""

    SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
    RESULTS = "https://purl.imsglobal.org/spec/lti-ags/scope/result.readonly"
    LINE_ITEMS = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
    READ_LINE_ITEMS = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem.readonly"


_FORM = {
    "grant_type": "client_credentials",
    "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
}


@dataclass(slots=True)
class RegisteredTool:
    """A tool that the platform knows. *audience* replaces the platform's."""

    client_id: str
    keys: ToolKeys
    scopes: tuple[str, ...] = tuple(AgsScope)
    audience: str | None = None


@dataclass(slots=True)
class GivenToken:
    """A token that was given out."""

    text: str = field(repr=False)
    client_id: str
    scopes: tuple[str, ...]
    issued: float
    expires: float
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class TokenForm:
    """
    What a token request asks for.

    Raises:
        RefusedAssertionError: By :meth:`read`: the form is not as the specification has it.
    """

    client_id: str
    assertion: str = field(repr=False)
    scopes: tuple[str, ...]

    @classmethod
    def read(cls, content_type: str, body: bytes) -> "TokenForm":
        """Read the form."""
        if content_type.partition(";")[0].strip() != "application/x-www-form-urlencoded":
            raise RefusedAssertionError("form", "the body must be application/x-www-form-urlencoded")
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict")
        except ValueError:
            raise RefusedAssertionError("form", "the form cannot be read") from None
        values = dict(pairs)
        if len(values) != len(pairs):
            raise RefusedAssertionError("form", "a field is there twice")
        for name, value in _FORM.items():
            if values.get(name) != value:
                raise RefusedAssertionError("form", f"{name} must be {value}")
        assertion, scopes = values.get("client_assertion", ""), tuple(values.get("scope", "").split())
        if not assertion or not scopes:
            raise RefusedAssertionError("form", "client_assertion and scope must be there")
        issuer = unverified(assertion)[1].get("iss")
        if not isinstance(issuer, str):
            raise RefusedAssertionError("client", "iss must be the client id")
        return cls(issuer, assertion, scopes)


#: What becomes of scopes that a tool may not have: the whole request is refused, also if only one is; only if all are;
#: or never, and the token may be good for nothing.
ScopePolicy = Literal["all", "some", "any"]


@dataclass(slots=True)
class TokenOffice:
    """Gives tokens out and knows those that are valid. *life*: seconds."""

    rules: AssertionRules
    policy: ScopePolicy = "all"
    life: float = 3600.0
    tools: dict[str, RegisteredTool] = field(default_factory=dict)
    #: Every token ever given out, by its text.
    issued: dict[str, GivenToken] = field(default_factory=dict)
    _identifiers: set[tuple[str, str]] = field(default_factory=set)

    async def give(self, request: TokenForm, *, audience: str, now: float) -> GivenToken:
        """
        Verify who asks, and give a token.

        Raises:
            RefusedAssertionError: There is none for this request.
        """
        tool = self.tools.get(request.client_id)
        if tool is None:
            raise RefusedAssertionError("client", "unknown client")
        claims = await verify_signature(request.assertion, tool.keys, kid_needed=self.rules.kid_needed)
        expected = tool.audience or audience
        check_claims(claims, self.rules, client_id=tool.client_id, audience=expected, now=now)
        identifier = (tool.client_id, claims["jti"])
        if self.rules.jti_once and identifier in self._identifiers:
            raise RefusedAssertionError("replay", "an assertion with this jti was used before")
        self._identifiers.add(identifier)
        scopes = self._granted(request.scopes, tool)
        token = GivenToken(secrets.token_urlsafe(24), tool.client_id, scopes, now, now + self.life)
        self.issued[token.text] = token
        return token

    def _granted(self, wanted: tuple[str, ...], tool: RegisteredTool) -> tuple[str, ...]:
        granted = tuple(scope for scope in wanted if scope in tool.scopes)
        if (self.policy == "all" and granted != wanted) or (self.policy == "some" and not granted):
            raise RefusedAssertionError("scope", "a scope that this tool may not have")
        return granted

    def find(self, headers: Mapping[str, str]) -> GivenToken | None:
        """The token that a request carries, valid or not; None: none that was ever given out."""
        scheme, _, text = headers.get("Authorization", "").partition(" ")
        return self.issued.get(text) if scheme.lower() == "bearer" else None

    def refusal(self, headers: Mapping[str, str], scopes: tuple[str, ...], *, now: float) -> str | None:
        """Why a request that needs one of *scopes* is refused: a key of :attr:`PlatformKind.refusals`; or None."""
        if "Authorization" not in headers:
            return "no token"
        token = self.find(headers)
        if token is None or token.revoked:
            return "token unknown"
        if now >= token.expires:
            return "token expired"
        return None if set(scopes) & set(token.scopes) else "token scope"

    def revoke(self, client_id: str | None = None) -> None:
        """Have all tokens, or those of one client, be unknown from now on."""
        for token in self.issued.values():
            token.revoked = token.revoked or client_id in (None, token.client_id)
