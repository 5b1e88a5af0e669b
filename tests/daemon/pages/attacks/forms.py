"""Forms that the user did not send: other sites', other sessions', or none at all."""

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.attacks.scene import cookie

PATH = "/assignments/«id»/resend"
ANNA = cookie("«anna»")
LOG_IN = "name=anna&password=«password»"
OWN = "token=«token of anna»&force=yes"
_PARTS = '--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n«token of anna»\r\n--x--\r\n'


def form(body=OWN, *headers, path=PATH):
    return sent(path, body, ANNA, *headers)


ORIGINS = {
    "another site": "https://evil.example",
    "a site whose name begins as this one": "http://«host».evil.example",
    "a site below this one": "http://evil.«host»",
    "another port": "http://127.0.0.1:1",
    "this host without its port": "http://127.0.0.1",
    "HTTPS in place of HTTP": "https://«host»",
    "this site with a user": "http://user@«host»",
    "this site with a path": "http://«host»/",
    "null": "null",
    "nothing": "",
    "no address at all": "http://[",
    "this site and another": "http://«host» https://evil.example",
    "a file": "file://",
}

ATTACKS = [
    *rows((403,), {f"a form from {name}": form(OWN, f"Origin: {one}") for name, one in ORIGINS.items()}),
    *rows(
        (403,),
        {
            f"a form that the browser calls {site}": form(OWN, f"Sec-Fetch-Site: {site}")
            for site in ("cross-site", "same-site", "", "same-origin, cross-site", "SAME-ORIGIN")
        },
    ),
    *rows(
        (403,),
        {
            "a form without a token": form("force=yes"),
            "an empty form": form(""),
            "an empty token": form("token=&force=yes"),
            "a token of another user": form("token=«token of ben»&force=yes"),
            "a token of another session of the same user": form("token=«token of another session»&force=yes"),
            "a token that another user's key signed": form("token=«token with ben's key»&force=yes"),
            "a token for requests of a web server": form("token=«token by proxy»&force=yes"),
            "a token of a session that has ended": form("token=«token of logged out»&force=yes"),
            "a session as token": form("token=«session as token»&force=yes"),
            "a token and more behind it": form("token=«token of anna»x&force=yes"),
            "a token of ten thousand letters": form(f"token={'a' * 10_000}"),
            "a token in the address alone": form("force=yes", path=f"{PATH}?token=«token of anna»"),
            "a token in a header alone": form("force=yes", "X-CSRF-Token: «token of anna»"),
            "a token in the cookie alone": sent(PATH, "force=yes", f"{ANNA}; token=«token of anna»"),
            "a token in capitals": form("TOKEN=«token of anna»&force=yes"),
            "a list of tokens": form("token[]=«token of anna»&force=yes"),
            "a right token and then a wrong one": form("token=«token of anna»&token=x&force=yes"),
            "a token with a byte that is none": form("token=%ff&force=yes"),
            "two origins, the other one first": form(OWN, "Origin: https://evil.example", "Origin: http://«host»"),
        },
    ),
    *rows(
        (400, 415),
        {
            "a form in bytes that are no letters": form("token=\udcff"),
            "a form in UTF-7": sent(PATH, OWN, ANNA, "Content-Type: application/x-www-form-urlencoded; charset=utf-7"),
            "a form in letters that no one knows": sent(
                PATH, OWN, ANNA, "Content-Type: application/x-www-form-urlencoded; charset=nonsense"
            ),
            "a form as JSON": sent(
                PATH, '{"token":"«token of anna»","force":"yes"}', ANNA, "Content-Type: application/json"
            ),
            "a form as text": sent(PATH, OWN, ANNA, "Content-Type: text/plain"),
            "a form in parts": sent(PATH, _PARTS, ANNA, "Content-Type: multipart/form-data; boundary=x"),
            "a form by a method in small letters": asked(PATH, ANNA, method="post", body=OWN),
            "a form of no type": sent(PATH, OWN, ANNA, "Content-Type: "),
        },
    ),
    *rows(
        (405,),
        {
            "a change by GET": asked(f"{PATH}?{OWN}", ANNA),
            "a change by GET that says it is a POST": asked(f"{PATH}?{OWN}", ANNA, "X-HTTP-Method-Override: POST"),
            "a change by GET with a field for the method": asked(f"{PATH}?{OWN}&_method=POST", ANNA),
            "a change by a GET with a body": asked(PATH, ANNA, method="GET", body=OWN),
        },
    ),
    *rows(
        (413,),
        {
            "a form of a million bytes": form(OWN + "&x=" + "a" * 1_000_000),
        },
    ),
    *rows(
        (303,),
        {
            "a form of someone who is not logged in": sent(PATH, OWN),
            "a log-out of someone who is not logged in": sent("/logout", "token=«token of anna»"),
        },
    ),
    *rows(
        (403,),
        {
            "a log-out that another site sent": form(
                "token=«token of anna»", "Origin: https://evil.example", path="/logout"
            ),
            "a log-out without a token": form("", path="/logout"),
            "a log-in that another site sent": sent(
                "/login", "name=anna&password=«password»", "Origin: https://evil.example"
            ),
            "a log-in that a sibling sent": sent(
                "/login", "name=anna&password=«password»", "Sec-Fetch-Site: same-site"
            ),
        },
    ),
]
