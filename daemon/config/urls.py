"""Which URLs of servers are usable. No message quotes a URL, since its password may be in any part of it."""

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from models.db.database import URL_OPTIONS

SQLITE = "sqlite://"
#: The value of ``redis.url`` for the server that the daemon runs itself.
EMBEDDED = "embedded"

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def database_url(url: str) -> str:
    """*url* if a database can be opened by it; a ValueError says what is wrong with it."""
    if url.startswith(SQLITE):
        _check_sqlite(url.removeprefix(SQLITE))
    elif url.startswith(("postgres://", "postgresql://")):
        _check_postgres(_split(url))
    else:
        raise ValueError(
            "should begin with sqlite:// or postgresql://, as in sqlite://relative.db, sqlite:///absolute.db "
            "or postgresql://user:password@host/database"
        )
    return url


def redis_url(url: str) -> str:
    """*url* if a Redis can be reached by it; a ValueError says what is wrong with it."""
    if url == EMBEDDED:
        return url
    if not url.startswith(("redis://", "rediss://")):
        raise ValueError(f'should be "{EMBEDDED}" or begin with redis:// or rediss://, as in redis://host:6379/0')
    parts = _split(url)
    if not parts.hostname:
        raise ValueError("names no host: write redis://host:6379/0 or redis://user:password@host:6379/0")
    number = parts.path.strip("/")
    if number and not number.isdecimal():
        raise ValueError("should end in the number of a logical database, as in redis://host:6379/0")
    return url


def mask(text: str) -> str:
    """*text* without the passwords of the URLs in it."""
    text = re.sub(r"(:/+[^:]*:).*@", r"\1***@", text, flags=re.DOTALL)
    return re.sub(r"([?&][^=&\s]*pass[^=&\s]*=)[^&\s]*", r"\1***", text)


def _check_sqlite(path: str) -> None:
    if not path or path.endswith("/"):
        raise ValueError("names no file: write sqlite://relative.db or sqlite:///absolute.db")
    if path == ":memory:":
        raise ValueError(
            "in memory nothing would outlive the daemon: write sqlite://relative.db or sqlite:///absolute.db"
        )
    if "?" in path or "#" in path:
        raise ValueError("takes no options for SQLite: remove all from the ? or # on")


def _check_postgres(parts: SplitResult) -> None:
    if not unquote(parts.path.strip("/")):
        raise ValueError("names no database: write postgresql://user:password@host/database")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if not parts.hostname and not options.get("host"):
        raise ValueError("names no host: write postgresql://user:password@host/database, or ?host=/run/postgresql")
    if unknown := sorted(options.keys() - set(URL_OPTIONS)):
        raise ValueError(f"has the unknown option {', '.join(unknown)}; known: {', '.join(URL_OPTIONS)}")
    if options.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError(f"has an unknown sslmode; known: {', '.join(_SSL_MODES)}")


def _split(url: str) -> SplitResult:
    """The parts of *url*. The library's own message would quote it."""
    unreadable = ValueError(
        "cannot be read as scheme://user:password@host:port/name: "
        "in a password write %40 for @, %3A for :, %2F for /, %3F for ? and %23 for #"
    )
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise unreadable from None
    if parts.fragment or "@" in parts.path or "@" in parts.query or re.search(r"\s", url):
        raise unreadable
    return parts
