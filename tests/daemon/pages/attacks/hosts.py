"""Names by which the pages are not known, and roundabout ways to say a name."""

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.attacks.scene import cookie

ANNA = cookie("«anna»")
NAMES = {
    "another name": "evil.example",
    "a name below ours": "evil.pages.example",
    "ours with another behind it": "pages.example.evil.example",
    "an address with a name behind it": "127.0.0.1.evil.example",
    "a user before ours": "evil@pages.example",
    "ours as the user of another": "pages.example@evil.example",
    "ours and another in one line": "pages.example, evil.example",
    "ours with a path": "pages.example/evil",
    "a blank within": "a b",
    "a bracket that is not closed": "[::1",
    "a port that is none": "pages.example:http",
    "two ports": "pages.example:1:2",
    "an address in one number": "2130706433",
    "an address in octal": "0177.0.0.1",
    "a name in other letters": "pages.exampl\u0435",
    "a byte that is none": "pages.example\udcff",
    "nothing": "",
    "null": "null",
}

ATTACKS = [
    *rows((400, 421), {f"by {name}": asked("/", ANNA, host=host) for name, host in NAMES.items()}),
    *rows(
        (400, 421),
        {
            "by two names, ours first": asked("/", "Host: evil.example", ANNA),
            "by two names, ours last": asked("/", "Host: «host»", ANNA, host="evil.example"),
            "by another name in the target": asked("http://evil.example/", ANNA, host="evil.example"),
            "a form by another name that is its origin": sent(
                "/assignments/«id»/resend",
                "token=«token of anna»&force=yes",
                ANNA,
                "Origin: http://evil.example",
                host="evil.example",
            ),
            "a log-in by another name": sent("/login", "name=anna&password=«password»", host="evil.example"),
            "by no name at all": asked("/", ANNA, host=None),
            "by another name, with ours as the forwarded one": asked(
                "/", "X-Forwarded-Host: pages.example", ANNA, host="evil.example"
            ),
        },
    ),
    *rows(
        (303,),
        {
            "a target that names another site leads to ours": asked("http://evil.example/"),
            "a forwarded name leads to ours": asked("/", "X-Forwarded-Host: evil.example"),
        },
    ),
]
