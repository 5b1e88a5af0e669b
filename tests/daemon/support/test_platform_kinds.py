"""What is the same for every site of an LMS product."""

import pytest

from daemon.support.platform_kinds import PLATFORM_KINDS, MissingError, filled

SITE = "https://lms.example.edu"


def fill(kind, issuer=None, token_url=None, audience=None):
    return filled(kind, issuer=issuer, token_url=token_url, audience=audience)


@pytest.mark.parametrize(
    ("kind", "issuer", "expected"),
    [
        (
            "canvas",
            None,
            ("https://canvas.instructure.com", "https://sso.canvaslms.com/login/oauth2/token", None),
        ),
        (
            "canvas",
            "https://canvas.beta.instructure.com",
            ("https://canvas.beta.instructure.com", "https://sso.beta.canvaslms.com/login/oauth2/token", None),
        ),
        ("moodle", SITE, (SITE, f"{SITE}/mod/lti/token.php", None)),
        ("moodle", f"{SITE}/moodle", (f"{SITE}/moodle", f"{SITE}/moodle/mod/lti/token.php", None)),
        (
            "d2l",
            SITE,
            (SITE, "https://auth.brightspace.com/core/connect/token", "https://api.brightspace.com/auth/token"),
        ),
        (
            "blackboard",
            None,
            (
                "https://blackboard.com",
                "https://developer.blackboard.com/api/v1/gateway/oauth2/jwttoken",
                None,
            ),
        ),
    ],
)
def test_what_all_sites_of_a_product_share_is_filled_in(kind, issuer, expected):
    assert fill(kind, issuer) == expected


@pytest.mark.parametrize("kind", [None, *PLATFORM_KINDS])
def test_what_is_given_is_never_replaced(kind):
    given = ("https://a.example", "https://b.example/token", "https://c.example")
    assert fill(kind, *given) == given


@pytest.mark.parametrize(
    ("kind", "issuer", "words"),
    [
        (None, None, "--issuer: missing: what the platform calls itself.*with --kind"),
        (None, SITE, "--token-url: missing: where the platform gives access tokens.*with --kind"),
        ("moodle", None, "--issuer: missing: .*Platform ID"),
        ("d2l", None, "--issuer: missing: .*Issuer"),
        ("canvas", SITE, "--token-url: missing: .*/login/oauth2/token"),
        ("sakai", None, "--issuer: missing: the address of the site"),
        ("sakai", SITE, "--token-url: missing: .*/imsblis/lti13/token/NUMBER"),
        ("openedx", SITE, "--token-url: missing: .*Studio.*/api/lti_consumer/v1/token/"),
    ],
)
def test_what_only_the_site_knows_is_asked_for_with_where_it_is_shown(kind, issuer, words):
    with pytest.raises(MissingError, match=words):
        fill(kind, issuer)
