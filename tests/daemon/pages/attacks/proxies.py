"""A web server's headers from where they may not come, or as it may not send them."""

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.attacks.scene import cookie

NAMED = "X-User: anna"
FROM = "X-Forwarded-For: 203.0.113.7"
KNOWN = "X-Passbackd-Proxy: «secret»"
OWN = "token=«token by proxy»"
PAUSE = "/campuses/«campus»/pause"


def outside(*headers, path="/"):
    """Of one who does not know the secret."""
    return asked(path, FROM, *headers)


def passed(*headers, path="/"):
    """As the web server passes it on."""
    return asked(path, KNOWN, FROM, *headers)


def form(body, *headers, path=PAUSE):
    return sent(path, body, KNOWN, FROM, *headers)


#: Of these the header counts for nothing: they are led to the log-in, as ever.
NOT_ITS = {
    "a user's name without the secret": outside(NAMED),
    "a user's name with an empty secret": outside(NAMED, "X-Passbackd-Proxy:"),
    "a user's name with a wrong secret": outside(NAMED, "X-Passbackd-Proxy: " + "a" * 34),
    "a user's name with most of the secret": outside(NAMED, f"{KNOWN}x").replace("«secret»x", "«most of the secret»"),
    "a user's name with more than the secret": outside(NAMED, f"{KNOWN}x"),
    "a user's name with the secret in capitals": outside(NAMED, "X-Passbackd-Proxy: «SECRET»"),
    "a user's name with the secret twice": outside(NAMED, KNOWN, KNOWN),
    "a user's name with a right and a wrong secret": outside(NAMED, KNOWN, "X-Passbackd-Proxy: x"),
    "a user's name with a wrong and a right secret": outside(NAMED, "X-Passbackd-Proxy: x", KNOWN),
    "a user's name with a list of secrets": outside(NAMED, f"{KNOWN}, «secret»"),
    "a user's name with the secret in quotes": outside(NAMED, 'X-Passbackd-Proxy: "«secret»"'),
    "a user's name with the secret in bytes that are none": outside(NAMED, "X-Passbackd-Proxy: \udcff\udcfe"),
    "a user's name with the secret in a cookie": outside(NAMED, "Cookie: X-Passbackd-Proxy=«secret»"),
    "a user's name with the secret in the address": outside(NAMED, path="/?X-Passbackd-Proxy=«secret»"),
    "a user's name with the secret as bearer token": outside(NAMED, "Authorization: Bearer «secret»"),
    "a user's name with the secret under an underscore": outside(NAMED, "X_Passbackd_Proxy: «secret»"),
    "a user's name with another web server's headers": outside(NAMED, "Via: 1.1 proxy", "Forwarded: for=127.0.0.1"),
    "a user's name with another's session": outside(NAMED, cookie("«by ben's key»")),
}

#: Of these it says no user, or may have passed on what a visitor sent.
UNCLEAR = {
    "no user": passed(),
    "no user, and a right session": passed(cookie("«anna»")),
    "an empty user": passed("X-User:"),
    "an empty user, and a right session": passed("X-User:", cookie("«anna»")),
    "blanks for a user": passed("X-User: \t "),
    "two users": passed("X-User: ben", NAMED),
    "the same user twice": passed(NAMED, NAMED),
    "two users in two ways of writing": passed("X-USER: ben", "x-user: anna"),
    "a user and an empty one": passed(NAMED, "X-User:"),
    "a user under an underscore": passed("X_User: anna"),
    "a user under another name": passed("X-Forwarded-User: anna", "Remote-User: anna", "X-Remote-User: anna"),
    "a user in the address": passed(path="/?X-User=anna"),
    "a user in a cookie": passed("Cookie: X-User=anna"),
    "a user in the trailers": sent(
        PAUSE, "6\r\nname=x\r\n0\r\nX-User: anna\r\n\r\n", KNOWN, FROM, "Transfer-Encoding: chunked", "Trailer: X-User"
    ),
    "a user behind a blank before the colon": passed("X-User : anna"),
    "a user in a folded line": passed("X-User: ben\r\n anna"),
    "a user behind a line feed": passed("X-User: ben\nX-User: anna"),
    "a user behind a carriage return": passed("X-User: ben\rX-User: anna"),
    "a user with a NUL": passed("X-User: anna\x00"),
    "a user of 20,000 letters": passed("X-User: " + "a" * 20_000),
}

#: These are no users.
UNKNOWN = {
    "a list of users": passed("X-User: anna, ben"),
    "a list of one user": passed("X-User: anna,"),
    "a user in quotes": passed('X-User: "anna"'),
    "a user in capitals": passed("X-User: ANNA"),
    "a user and a word": passed("X-User: anna x"),
    "a user and a tab": passed("X-User: anna\tben"),
    "a user who was removed": passed("X-User: removed"),
    "a user who is not there": passed("X-User: eve"),
    "a user who is not there, and a right session": passed("X-User: eve", cookie("«anna»")),
    "a user of 5,000 letters": passed("X-User: " + "a" * 5_000),
    "a user that is SQL": passed("X-User: anna' OR '1'='1"),
    "a user that is a wildcard": passed("X-User: ann%"),
    "a user that is escaped": passed("X-User: %61nna"),
    "a user in look-alike letters": passed("X-User: \u0430nna"),
    "a user with a byte that is none": passed("X-User: anna\udcff"),
    "a user that is markup": passed("X-User: <script>alert(1)</script>"),
    "a user by its id": passed("X-User: «id of anna»"),
}

ADDRESSES = {
    "no address": asked("/", KNOWN, NAMED),
    "an empty address": asked("/", KNOWN, NAMED, "X-Forwarded-For:"),
    "an address that is none": asked("/", KNOWN, NAMED, "X-Forwarded-For: unknown"),
    "a list that ends in junk": asked("/", KNOWN, NAMED, "X-Forwarded-For: 203.0.113.7, junk"),
    "a list that ends in nothing": asked("/", KNOWN, NAMED, "X-Forwarded-For: 203.0.113.7,"),
    "two lines that end in junk": asked("/", KNOWN, NAMED, FROM, "X-Forwarded-For: junk"),
    "an address with a port": asked("/", KNOWN, NAMED, "X-Forwarded-For: 203.0.113.7:80"),
    "an address in brackets": asked("/", KNOWN, NAMED, "X-Forwarded-For: [2001:db8::1]"),
    "an address with markup for a zone": asked("/", KNOWN, NAMED, "X-Forwarded-For: fe80::1%<script>"),
    "an address in one number": asked("/", KNOWN, NAMED, "X-Forwarded-For: 3405803783"),
    "an address in other digits": asked("/", KNOWN, NAMED, "X-Forwarded-For: \u0662.0.0.1"),
    "an address in octal": asked("/", KNOWN, NAMED, "X-Forwarded-For: 0313.0.0161.7"),
    "a network": asked("/", KNOWN, NAMED, "X-Forwarded-For: 203.0.113.0/24"),
    "15,000 commas": asked("/", KNOWN, NAMED, "X-Forwarded-For: " + "," * 15_000),
}

ATTACKS = [
    *rows((303,), NOT_ITS, behind="proxy"),
    *rows((400,), {f"the web server with {name}": one for name, one in UNCLEAR.items()}, behind="proxy"),
    *rows((403,), {f"the web server with {name}": one for name, one in UNKNOWN.items()}, behind="proxy"),
    *rows((400,), {f"the web server with {name}": one for name, one in ADDRESSES.items()}, behind="proxy"),
    *rows(
        (303,),
        {
            "the right secret from another address": passed(NAMED),
            "the right secret from an address that says it is the right one": asked(
                "/", KNOWN, NAMED, "X-Forwarded-For: 192.0.2.1", "X-Real-IP: 192.0.2.1"
            ),
        },
        behind="proxy_elsewhere",
    ),
    *rows((303,), {"a user's name where no web server names users": passed(NAMED)}, behind="proxy_of_addresses"),
    *rows((303,), {"a user's name and the secret where no web server is trusted": passed(NAMED)}),
    *rows(
        (303,),
        {
            "a right password through a web server that names users": form(
                "name=anna&password=«password»", NAMED, path="/login"
            ),
            "a right password through a web server that names no user": form(
                "name=anna&password=«password»", path="/login"
            ),
            "a request behind one of a web server": passed("X-User: eve", path="/login") + passed(NAMED),
        },
        behind="proxy",
    ),
    *rows(
        (403,),
        {
            "an operator's form of a support person": form("token=«token of ben by proxy»", "X-User: ben"),
            "an operator's form of a support person, with an operator's session": form(
                "token=«token of anna»", "X-User: ben", cookie("«anna»")
            ),
            "a named user's form without a token": form("", NAMED),
            "a named user's form with the token of another": form("token=«token of ben by proxy»", NAMED),
            "a named user's form with the token of a session": form("token=«token of anna»", NAMED),
            "a named user's form of another site": form(OWN, NAMED, "Origin: https://evil.example"),
            "a named user's form from across sites": form(OWN, NAMED, "Sec-Fetch-Site: cross-site"),
            "a named user's log-out": form(OWN, NAMED, path="/logout"),
            "a support person's own session with an operator's name": sent(
                PAUSE, "token=«token of ben»", FROM, NAMED, cookie("«ben»")
            ),
        },
        behind="proxy",
    ),
    *rows(
        (421,),
        {"another host through a web server": asked("/", KNOWN, FROM, NAMED, host="evil.example")},
        behind="proxy",
    ),
]
