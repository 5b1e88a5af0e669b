"""Events in quarantine, made without intake, and the way to a group of them."""

from daemon.infra.text import printable
from daemon.pages.quarantine import MAX_LISTED
from models.consumer import LtiConsumer
from models.quarantine import QuarantinedEvent, content_of
from models.stream_position import read_position
from tests.daemon.ingest.reading import LAUNCH, SCORE
from tests.daemon.pages.conftest import HOSTILE
from tests.daemon.why.story import NOW

UNKNOWN = "unknown consumer 'key'"
BAD = "points_earned is not a number: 'NaN' (user_id='{}', course_id='course', usage_id='p1')"


async def kept(number, fields=None, *, reason=UNKNOWN, **columns):
    """An event in quarantine; its id."""
    fields = LAUNCH if fields is None else fields
    content, truncated = content_of({name.encode(): str(value).encode() for name, value in fields.items()})
    at = NOW - 10**6 + number
    row = {"epoch": (await read_position()).epoch, "entry_id": f"{at}-0", "at": at, "type": fields["type"]}
    event = await QuarantinedEvent.create(
        **{**row, "reason": reason, "content": content, "truncated": truncated, **columns}
    )
    return event.id


async def nothing():
    """None in quarantine."""


async def one_event():
    await kept(1, user_id="ada", consumer_key="key", course_id="course")


async def several():
    for number in range(3):
        await kept(number, user_id=f"learner {number}", consumer_key="key", course_id="course")
    await kept(3, user_id="ada", consumer_key="other", course_id="course")
    await kept(4, SCORE, reason=BAD.format("ada"), user_id="ada", course_id="course")
    await kept(5, SCORE, reason=BAD.format("bob"), user_id="bob", course_id="course")
    await kept(6, SCORE, reason=BAD.format("bob"), user_id="bob", course_id="elsewhere")
    await kept(7, reason="unknown type 'sco'; known: launch", type="unknown")


async def more_than_are_listed():
    for number in range(MAX_LISTED + 3):
        await kept(number, course_id=f"course {number % 3}")


async def hostile():
    await kept(1, LAUNCH | {HOSTILE: HOSTILE, "user_id": HOSTILE}, reason=f"bad {HOSTILE!r}", user_id=HOSTILE[:255],
               consumer_key=HOSTILE, course_id=HOSTILE)  # fmt: skip
    await kept(2, LAUNCH | {"user_id": "a\xff"}, reason=HOSTILE, type=HOSTILE[:64])


def one_line(text):
    return " ".join(printable(text or "").split())


async def add_consumer():
    await LtiConsumer.create(consumer_name="campus", consumer_key="key", consumer_secret="secret")


async def of_a_group(**about):
    """Two launches in the wrong order, and events of which each differs from them in one thing; the ids of the two."""
    about = {"consumer_key": "key", "course_id": "course", **about}
    await kept(4, **about | {"consumer_key": None if about["consumer_key"] else "key"})
    await kept(5, **about | {"course_id": None if about["course_id"] else "course"})
    await kept(6, **about | {"course_id": "other"})
    await kept(7, **about | {"type": "unknown"})
    await kept(8, **about, reason="another one")
    newer = await kept(9, LAUNCH | {"lis_result_sourcedid": "newer"}, **about)
    older = await kept(3, LAUNCH | {"lis_result_sourcedid": "older"}, **about)
    return {newer, older}


async def to_the_group(browser, words="2 launch in course course, consumer key key"):
    await browser.get("/quarantine")
    (link,) = [
        link.get("href")
        for link in browser.page.xpath("//article//li/a")
        if " ".join(link.text_content().split()).startswith(words)
    ]
    status, _ = await browser.get(link)
    assert status == 200


async def ids_left():
    return {event.id for event in await QuarantinedEvent.all()}
