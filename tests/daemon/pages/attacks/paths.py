"""Whatever a path or a query may hold, of one who is logged in."""

from tests.daemon.pages.attacks.attack import asked, rows
from tests.daemon.pages.attacks.scene import cookie

ANNA = cookie("«anna»")
IDS = ("0", "-1", "1e3", "999999999999999999", "9999999999999999999", "9" * 1000, "%00", "1%00", "1%2F..%2F..",
       "%D9%A3", "\u0663", "0x1", "+1", "1;2", "1'--", "%31;", "..", "%2e%2e", "%252e%252e%252f",
       "1/../../metrics")  # fmt: skip
FILES = ("..%2Froutes.py", "%2e%2e/routes.py", "", "style.css%00", "style.css%00.py", "..\\site.py", "....//site.py",
         "/etc/passwd", "%2Fetc%2Fpasswd", "file:///etc/passwd", "style.css/../../site.py")  # fmt: skip
QUERIES = {
    "a NUL": "q=%00",
    "three thousand letters": "q=" + "a" * 3000,
    "bytes that are no letters": "q=%FF%FE",
    "half of a letter": "q=%ED%A0%80",
    "words of SQL": "q=%27%20OR%201%3D1--",
    "an entry of the stream": "q=1-1",
    "an entry that is too large": "q=99999999999999999999-1",
    "an entry of letters": "as=entry&q=x",
    "an assignment of letters": "as=assignment&q=x",
    "an assignment that is a path": "as=assignment&q=..%2F",
    "a number of 2,500 digits": "q=" + "9" * 2500,
    "an assignment of 30 digits": "as=assignment&q=" + "9" * 30,
    "two questions": "q=x&q=y",
    "a course that is not there": "as=course&q=x",
    "a kind that is none": "as=%3Cscript%3E&q=x",
    "a wildcard of SQL": "q=%25",
    "7,000 fields": "&" * 7_000 + "q=x",
    "2,000 names": "&".join(f"a{number}" for number in range(2_000)),
    "deep brackets": "q" + "[a]" * 2000 + "=1",
    "semicolons": ";".join(["q=x"] * 500),
    "a format": "q=%25s%25n%7B0.__class__%7D",
    "a line break": "q=x%0d%0aSet-Cookie:%20a=b",
    "white space of all kinds": "q=%E2%80%A8%C2%A0%09",
}
GROUPS = ("/parked/group", "/quarantine/group")

ATTACKS = [
    *rows((303, 400, 404), {f"the assignment {one[:40]!r}": asked(f"/assignments/{one}", ANNA) for one in IDS}),
    *rows((303, 400, 404), {f"the campus {one[:40]!r}": asked(f"/campuses/{one}", ANNA) for one in IDS[:12]}),
    *rows((303, 400, 404), {f"the event {one[:40]!r}": asked(f"/quarantine/{one}", ANNA) for one in IDS[:12]}),
    *rows((303, 400, 404), {f"the file {one!r}": asked(f"/static/{one}", ANNA) for one in FILES}),
    *rows(
        (200, 303, 400, 404),
        {f"a search for {name}": asked(f"/learners?{query}", ANNA) for name, query in QUERIES.items()},
    ),
    *rows(
        (200, 303, 400, 404),
        {
            f"{path} of {name}": asked(f"{path}?reason={query[2:]}&campus={query[2:]}&{query}", ANNA)
            for path in GROUPS
            for name, query in QUERIES.items()
            if len(query) < 500
        },
    ),
    *rows(
        (200, 303, 400, 404),
        {
            "a log-in that leads to no address": asked("/login?to=//["),
            "a log-in that leads to no address, escaped": asked("/login?to=//%5B"),
            "a log-in that leads to another header": asked("/login?to=%0d%0aSet-Cookie:x"),
            "a path of one dot": asked("/./", ANNA),
            "a path of two slashes": asked("//", ANNA),
            "a path of two slashes and a site": asked("//evil.example/", ANNA),
            "a path of a percent sign": asked("/%", ANNA),
            "a path that goes up": asked("/../../etc/passwd", ANNA),
            "a path of 10,000 slashes": asked("/" * 10_000, ANNA),
            "a path of 1,000 dots up": asked("/%2e%2e" * 1_000, ANNA),
            "a path that ends in a NUL": asked("/actions%00", ANNA),
            "a path in bytes that are no letters": asked("/\udcff\udcfe", ANNA),
            "a page with another ending": asked("/actions.json", ANNA),
            "a page with something behind it": asked("/actions/x", ANNA),
            "a page in capitals": asked("/ACTIONS", ANNA),
            "a page with a parameter of its path": asked("/actions;x=y", ANNA),
            "a page that a header names": asked("/", "X-Original-URL: /actions", "X-Rewrite-URL: /actions"),
        },
    ),
]
