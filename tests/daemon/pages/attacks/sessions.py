"""Cookies that are no session, another's, or one of before."""

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.attacks.scene import cookie, secure_cookie

FORGED = {
    "no more than nothing": "",
    "the user's name": "anna",
    "the user's id": "«id of anna»",
    "the user's id and a dot": "«id of anna».",
    "all but the signature": "«head»",
    "an empty signature": "«head».",
    "half of a right session": "«half»",
    "a signature that is reversed": "«reversed»",
    "a signature of which one letter is another": "«one letter else»",
    "a session that is signed with another user's key": "«by ben's key»",
    "another user's session with this user's id": "«ben's with this id»",
    "a session of an id that no user has": "«of no one»",
    "a session of an id that no database holds": "«of too large an id»",
    "a session of an id below zero": "«of an id below zero»",
    "a session of an id in Arabic digits": "«of an id in other digits»",
    "a session that is signed with an empty key": "«by an empty key»",
    "a session that is signed with the password's hash": "«by the hash as key»",
    "a session that is over": "«over»",
    "a session that begins tomorrow": "«of tomorrow»",
    "a right session and three thousand letters": "«anna»" + "a" * 3000,
    "a form's token in place of a session": "«token as session»",
    "JSON in place of a session": '{"user_id":1}',
    "a right session in quotes with more behind": '"«anna»"x',
    "a session with a NUL escaped": "«anna»%00",
    "bytes that are no UTF-8": "\udcff\udcfe",
}

REPLAYED = {
    "the session of a user who logged out": "logged out",
    "the session of before a new password": "new password",
    "the session of a user who was removed": "removed",
    "the session of a user who was removed and added anew": "added anew",
    "the session of before another role": "of another role",
    "the session of before the password was taken away": "without a password",
}

ATTACKS = [
    *rows((303,), {name: asked("/", cookie(value)) for name, value in FORGED.items()}),
    *rows((303,), {f"{name}, over HTTPS": asked("/", secure_cookie(value)) for name, value in FORGED.items() if value}),
    *rows((303,), {name: asked("/", cookie(f"«{key}»")) for name, key in REPLAYED.items()}),
    *rows(
        (303,),
        {
            f"a form with {name}": sent("/campuses/«campus»/pause", f"token=«token of {key}»", cookie(f"«{key}»"))
            for name, key in REPLAYED.items()
        },
    ),
    *rows(
        (303,),
        {
            "a session in the cookie of HTTPS over HTTP": asked("/", cookie("«anna»", "__Host-passbackd")),
            "a session in the cookie of HTTP over HTTPS": asked("/", "X-Forwarded-Proto: https", cookie("«anna»")),
            "a session in a cookie of another name": asked("/", cookie("«anna»", "session")),
            "a session in the address": asked("/?passbackd=«anna»"),
            "a session as bearer token": asked("/", "Authorization: Bearer «anna»"),
            "name and password as Basic": asked("/", "Authorization: Basic YW5uYTphIHBhc3N3b3JkIHRoYXQgaXMgbG9uZw=="),
            "two cookies of which the last is forged": asked("/", "Cookie: passbackd=«anna»; passbackd=«by ben's key»"),
        },
    ),
]
