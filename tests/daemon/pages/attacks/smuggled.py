"""Requests whose end is in doubt, so that what comes behind it might be taken for another, and what is no HTTP."""

import zlib

from tests.daemon.pages.attacks.attack import asked, rows, sent
from tests.daemon.pages.attacks.scene import cookie

PATH = "/assignments/«id»/resend"
ANNA = cookie("«anna»")
#: Would change something, if it were taken for a request of its own.
_FORM = "token=«token of anna»&force=yes"
SECOND = (
    f"POST {PATH} HTTP/1.1\r\nHost: «host»\r\n{ANNA}\r\n"
    f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: «length of form»\r\n\r\n{_FORM}"
)
CHUNKED = "Transfer-Encoding: chunked"


def bomb():
    """A megabyte of nothing, packed."""
    return zlib.compress(b"token=" + b"a" * 10_000_000, 9).decode("utf-8", "surrogateescape")


def login(*headers, body):
    return sent("/login", body, *headers)


ATTACKS = [
    *rows(
        (303,),
        {
            "a request behind a GET": asked("/") + SECOND,
            "a request behind a GET that keeps the connection": asked("/", "Connection: keep-alive") + SECOND,
            "a target with a line feed": asked("/\nX-A: b"),
            "a request in the body of a GET": asked("/", "Content-Length: «length»") + SECOND,
            "a request in the chunks of a GET": asked("/", CHUNKED) + f"5\r\nxxxxx\r\n0\r\n\r\n{SECOND}",
            "a websocket": asked("/", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
            + SECOND,
            "HTTP/2 by an upgrade": asked(
                "/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: "
            )
            + SECOND,
        },
    ),
    *rows(
        (403,),
        {
            "a request behind an empty form": login("Content-Length: 0", body="") + SECOND,
            "a request behind a form": login("Content-Length: 6", body="name=x") + SECOND,
            "a request behind the last chunk": login(CHUNKED, body=f"6\r\nname=x\r\n0\r\n\r\n{SECOND}"),
            "a request in the trailers": login(CHUNKED, body="6\r\nname=x\r\n0\r\nX-A: b\r\n\r\n") + SECOND,
        },
    ),
    *rows(
        (400,),
        {
            "a request behind one of before HTTP/1.0": f"GET /\r\n\r\n{SECOND}",
            "chunks and a length": login(CHUNKED, "Content-Length: 6", body=f"0\r\n\r\n{SECOND}"),
            "a length and chunks": login("Content-Length: 6", CHUNKED, body=f"0\r\n\r\n{SECOND}"),
            "two lengths": login("Content-Length: 6", "Content-Length: 0", body=f"name=x{SECOND}"),
            "a list of lengths": login("Content-Length: 6, 0", body=f"name=x{SECOND}"),
            "a length with a sign": login("Content-Length: +6", body=f"name=x{SECOND}"),
            "a length below zero": login("Content-Length: -6", body=f"name=x{SECOND}"),
            "a length in hexadecimal": login("Content-Length: 0x6", body=f"name=x{SECOND}"),
            "a length with an underscore": login("Content-Length: 1_0", body=f"name=x{SECOND}"),
            "a length of a hundred digits": login(f"Content-Length: {'9' * 100}", body=f"name=x{SECOND}"),
            "a length in Arabic digits": login("Content-Length: \u0666", body=f"name=x{SECOND}"),
            "an empty length": login("Content-Length: ", body=f"name=x{SECOND}"),
            "a blank before a colon": login("Content-Length : 0", body="") + SECOND,
            "a blank before the colon of chunks": login("Transfer-Encoding : chunked", body=f"0\r\n\r\n{SECOND}"),
            "chunks that are not the last coding": login("Transfer-Encoding: chunked, gzip", body=f"0\r\n\r\n{SECOND}"),
            "a coding that no one knows": login("Transfer-Encoding: xchunked", body=f"0\r\n\r\n{SECOND}"),
            "a folded coding": login("Transfer-Encoding:\r\n chunked", body=f"0\r\n\r\n{SECOND}"),
            "a chunk of a size below zero": login(CHUNKED, body=f"-6\r\nname=x\r\n0\r\n\r\n{SECOND}"),
            "a chunk of a size in 0x": login(CHUNKED, body=f"0x6\r\nname=x\r\n0\r\n\r\n{SECOND}"),
            "a chunk of a hundred digits": login(CHUNKED, body=f"{'f' * 100}\r\nname=x\r\n0\r\n\r\n{SECOND}"),
            "a chunk that is longer than its size": login(CHUNKED, body=f"3\r\nname=x\r\n0\r\n\r\n{SECOND}"),
            "a chunk whose line ends in a line feed": login(CHUNKED, body=f"6\nname=x\n0\n\n{SECOND}"),
            "a folded header": asked("/", f"X-A: b\r\n {ANNA}"),
            "a header of no name": asked("/", ": x"),
            "a header without a colon": asked("/", "nonsense"),
            "a header with a NUL": asked("/", "X-A: a\x00b"),
            "a header with a carriage return": asked("/", f"X-A: a\r{ANNA}"),
            "a header name with a NUL": asked("/", "X\x00A: b"),
            "a header of 20,000 letters": asked("/", "X-A: " + "a" * 20_000),
            "a path of 20,000 letters": asked("/" + "a" * 20_000),
            "a cookie of 20,000 letters": asked("/", cookie("a" * 20_000)),
            "a version that is none": asked("/").replace("HTTP/1.1", "HTTP/9.9"),
            "the preface of HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "a greeting of TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\udcfc\x03\x03\r\n\r\n",
            "a greeting of SSH": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "a command of Redis": "*1\r\n$4\r\nPING\r\n\r\n",
            "a method with a NUL": asked("/", method="GE\x00T"),
            "a gzipped form that is none": login("Content-Encoding: gzip", body="name=x"),
        },
    ),
    *rows((413,), {"a small form that unpacks to ten million bytes": login("Content-Encoding: deflate", body=bomb())}),
    *rows((417,), {"an expectation that no one meets": login("Expect: the-unexpected", body="name=x")}),
]
