"""A trusted web server before the pages of a test: its settings, and the headers that it sends."""

from daemon.config.sections import WebSection
from daemon.pages.proxy import PROXY_HEADER

SECRET = "the web server's own secret, 42 of".replace(" ", "-")
#: Where it says that visitors come from; of the addresses kept for documents (RFC 5737).
VISITOR = "203.0.113.7"


def trust_proxy(site, *, user_header="X-User", proxies=("127.0.0.1/32",)):
    """Have these pages believe a web server at *proxies* that knows the secret."""
    web = WebSection(proxies=list(proxies), proxy_secret=SECRET, user_header=user_header)
    site.config = site.config.model_copy(update={"web": web})


def passed_on(**more):
    """The headers with which it passes a request on; *more*: with underscores for hyphens, None to leave one out."""
    headers = {PROXY_HEADER: SECRET, "X-Forwarded-For": VISITOR}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    return {name: value for name, value in headers.items() if value is not None}
