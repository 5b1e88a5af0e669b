"""Log-ins with what is no password, and log-ins that would lead elsewhere."""

from urllib.parse import quote

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.conftest import PASSWORD

WRONG = {
    "a wrong password": ("anna", "wrong password"),
    "an empty password": ("anna", ""),
    "no name and no password": ("", ""),
    "a name in capitals": ("ANNA", PASSWORD),
    "a name with a NUL": ("anna\x00", PASSWORD),
    "a name of 9,000 letters": ("a" * 9000, "x"),
    "a password with a blank behind it": ("anna", f"{PASSWORD} "),
    "a password in capitals": ("anna", PASSWORD.upper()),
    "a name that is SQL": ("anna' OR '1'='1", PASSWORD),
    "a name that is a wildcard": ("ann%", PASSWORD),
    "a name that no one has": ("eve", PASSWORD),
    "a password 400 times": ("anna", PASSWORD * 400),
    "markup for a name": ("<script>alert(1)</script>", "x"),
    "a name in look-alike letters": ("\u0430nna", PASSWORD),
    "a user without a password, and none": ("without-a-password", ""),
    "a user without a password, and what no user has": ("without-a-password", "a password that no user has"),
    "the hash for a password": ("anna", "«hash»"),
    "the password of a user who was removed": ("removed", PASSWORD),
}

ELSEWHERE = {
    "another site without a scheme": "//evil.example/",
    "another site": "https://evil.example/",
    "another site by a backslash": "/\\evil.example",
    "another site by two backslashes": "\\\\evil.example",
    "another site by a tab": "/\t/evil.example",
    "another site by a line feed": "/\n/evil.example",
    "another site with one slash": "http:/evil.example",
    "another site behind a blank": " //evil.example",
    "a script": "javascript:alert(1)",
    "a document in an address": "data:text/html,<script>alert(1)</script>",
    "a word": "evil",
    "another header": "/\r\nX-Evil: yes",
    "a NUL": "/\x00",
    "5,000 letters": "/" + "a" * 5000,
}


def _fields(**fields):
    return "&".join(f"{name}={quote(value, safe='«»')}" for name, value in fields.items())


ATTACKS = [
    *rows(
        (403,),
        {
            f"a log-in with {one}": sent("/login", _fields(name=name, password=password))
            for one, (name, password) in WRONG.items()
        },
    ),
    *rows(
        (403,),
        {
            f"a wrong log-in that leads to {one}": sent("/login", _fields(name="anna", password="x", to=to))
            for one, to in ELSEWHERE.items()
        },
    ),
    *rows(
        (200,),
        {f"a log-in page that leads to {one}": asked(f"/login?{_fields(to=to)}") for one, to in ELSEWHERE.items()},
    ),
    *rows(
        (403,),
        {
            "a password in the address": sent(f"/login?{_fields(name='anna', password=PASSWORD)}", "x=y"),
            "a list of passwords": sent("/login", "name=anna&password[]=«password»"),
            "two passwords, the wrong one last": sent("/login", "name=anna&password=«password»&password=x"),
        },
    ),
]
