"""
What is the same for every site of an LMS product that speaks LTI 1.3, as data, and what each site has of its own. Pure.

Sources: Canvas's "Configuring LTI Advantage Tools" (with the hosts of its beta and test environments);
``mod/lti/openid-configuration.php`` of Moodle; D2L's "Tool deployment" (Brightspace OAuth2 Access Token URL and
Audience); the registration document of developer.blackboard.com; ``LTI13Servlet`` of Sakai; ``get_lti_1p3_launch_info``
of Open edX's ``xblock-lti-consumer``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class MissingError(ValueError):
    """Something that differs from site to site was not given; the message says where it is shown."""


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """
    *issuer*: of all sites; None: each has its own. *endpoint*: the token URL of all sites, with ``{issuer}`` for the
    site's own; None: it cannot be known. *endpoints*: by issuer, where it depends on that. *audience*: of the token
    server; None: its URL. *issuer_shown*, *endpoint_shown*: where people find what is missing.
    """

    issuer: str | None = None
    endpoint: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    audience: str | None = None
    issuer_shown: str = ""
    endpoint_shown: str = ""


#: By the names that ``--kind`` takes.
PLATFORM_KINDS: Mapping[str, ProductFacts] = {
    "canvas": ProductFacts(
        issuer="https://canvas.instructure.com",
        endpoints={
            "https://canvas.instructure.com": "https://sso.canvaslms.com/login/oauth2/token",
            "https://canvas.beta.instructure.com": "https://sso.beta.canvaslms.com/login/oauth2/token",
            "https://canvas.test.instructure.com": "https://sso.test.canvaslms.com/login/oauth2/token",
        },
        endpoint_shown="a Canvas of one's own has it at https://SITE/login/oauth2/token",
    ),
    "moodle": ProductFacts(
        endpoint="{issuer}/mod/lti/token.php",
        issuer_shown='the "Platform ID" in the tool\'s configuration details, the address of the site',
    ),
    "d2l": ProductFacts(
        endpoint="https://auth.brightspace.com/core/connect/token",
        audience="https://api.brightspace.com/auth/token",
        issuer_shown='the "Issuer" in the details of the registration, the address of the site',
    ),
    "blackboard": ProductFacts(
        issuer="https://blackboard.com",
        endpoint="https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
    ),
    "sakai": ProductFacts(
        issuer_shown="the address of the site, shown with the external tool",
        endpoint_shown="shown with the external tool, as https://SITE/imsblis/lti13/token/NUMBER",
    ),
    "openedx": ProductFacts(
        issuer_shown="the address of the LMS, not that of Studio",
        endpoint_shown=(
            'the "Access Token URL" that Studio shows below the block, as https://LMS/api/lti_consumer/v1/token/...'
        ),
    ),
}


def filled(
    kind: str | None, *, issuer: str | None, token_url: str | None, audience: str | None
) -> tuple[str, str, str | None]:
    """
    Issuer, token URL and audience (None: the token URL) of a platform: what is given, else what its product has.

    Raises:
        MissingError: One is neither given nor known.
    """
    known = PLATFORM_KINDS[kind] if kind is not None else ProductFacts()
    issuer = issuer or known.issuer
    if not issuer:
        raise MissingError(_missing("--issuer", kind, known.issuer_shown or "what the platform calls itself, a URL"))
    token_url = token_url or known.endpoints.get(issuer) or _of_site(known.endpoint, issuer)
    if not token_url:
        shown = known.endpoint_shown or "where the platform gives access tokens"
        raise MissingError(_missing("--token-url", kind, shown))
    return issuer, token_url, audience or known.audience


def _of_site(template: str | None, issuer: str) -> str | None:
    return None if template is None else template.replace("{issuer}", issuer.rstrip("/"))


def _missing(option: str, kind: str | None, shown: str) -> str:
    hint = "" if kind else f"; with --kind ({', '.join(PLATFORM_KINDS)}) less is to be given"
    return f"{option}: missing: {shown}{hint}"
