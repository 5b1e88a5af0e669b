"""Columns that LTI 1.1 and 1.3 share."""

from oauthlib.oauth1 import Client

from tests.daemon.demo.test_lms import KEY, SECRET, request, send
from tests.fakes.ags_tool import CLIENT, AgsTool
from tests.fakes.moving import MovingLms
from tests.fakes.platform import RecordingPlatform
from tests.fakes.platform_kinds import sakai

LATER = "2026-11-22T10:15:31.000Z"


async def test_a_grade_over_either_version_shows_on_both_sides(key, pem):
    async with RecordingPlatform(sakai()) as platform, MovingLms(platform, keys={KEY: SECRET}) as lms:
        platform.register(CLIENT, pem=pem)
        line_item = platform.add_line_item()
        lms.share("/outcomes", "old-7", line_item, "user-7")
        url, body = lms.url(), request("0.5", "old-7")
        headers = Client(KEY, client_secret=SECRET).sign(url, "POST", body, {"Content-Type": "application/xml"})[1]
        assert (await send(url, body, headers))[0] == 200
        assert platform.grade(line_item, "user-7") == "0.5"
        tool = AgsTool(key, platform.token_url)
        await tool.authorize()
        assert (await tool.send(line_item, 0.75, LATER))[0] == 200
        assert lms.grade("old-7") == "0.75"
        cleared = {"activityProgress": "Initialized", "gradingProgress": "NotReady"}
        await tool.send(line_item, None, LATER, **cleared)
        assert lms.grade("old-7") is None
        assert platform.shown("user-7") == ["0.5", "0.75", None]
