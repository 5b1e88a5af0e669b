"""Signing keys change under load, at a platform that keeps the key set for an hour, and no token is refused for it."""

import json
from itertools import groupby

from tests.blackbox.daemon import wait_until
from tests.blackbox.learners import repeatedly
from tests.blackbox.passing_time import PassingTime
from tests.blackbox.sites import Site, kid_of
from tests.fakes.platform import RecordingPlatform

#: Seconds. A token lives for less than passes from one look to the next, so that each look needs another.
STEP, TOKEN_LIFE, CACHED_FOR = 2500, 600, 3600
AHEAD_HOURS = 2
MONTH = 31 * 86_400
#: How many grades come while one token is used, and seconds between two changes of each.
GRADES, PAUSE = 5, 0.05
UNDER_WAY = "claimed_until IS NOT NULL OR sent_version < version_number"


class Rotation:
    """A site whose learners work all the time, but for the moments in which time goes on."""

    def __init__(self, site, time):
        self.site, self.time, self.world = site, time, site.world

    def go_on(self, seconds, times=1):
        """So much time passes, so many times; grades come with another token each time."""
        for _ in range(times):
            self._go_on(seconds)

    def _go_on(self, seconds):
        site, platform = self.site, self.site.platform
        tokens, grades = len(site.asked()) + 1, len(platform.of("score")) + GRADES
        self.time.go_on(seconds)
        with repeatedly(lambda: self.world.add(*site.work()), PAUSE):
            platform.wait_for(lambda: len(site.asked()) >= tokens and len(platform.of("score")) >= grades, 60)
        wait_until("all is there", lambda: site.is_served and platform.at_rest)
        wait_until("nothing is under way", lambda: not self.world.count(f"graded_assignment WHERE {UNDER_WAY}"))

    def keys(self):
        """The states of the keys, the oldest first."""
        return [(one["kid"], one["state"]) for one in json.loads(self.world.call("keys", "list", "--json").out)]

    def new_key(self):
        said = self.world.call("keys", "new")
        assert said.code == 0, said.err
        return self.keys()[-1][0]


def test_keys_are_rotated_and_withdrawn_under_load_and_a_platform_that_keeps_the_set_refuses_no_token(
    make_world, migrated_database, valkey_url, postgres
):
    world = make_world(migrated_database("postgresql"), valkey_url)
    world.set("keys", publish_ahead_hours=AHEAD_HOURS)
    time = PassingTime(world, postgres)
    daemon = time.run()
    with RecordingPlatform.in_thread(clock=time) as platform:
        platform.office.life = TOKEN_LIFE
        site = Site(world, platform, "moodle")
        site.add()
        daemon.wait_ready()
        tool = platform.register(site.client, jwks_url=f"http://127.0.0.1:{daemon.port}/jwks", cached_for=CACHED_FOR)
        tool.keys.clock = time
        world.add(*site.launches())
        rotation = Rotation(site, time)
        rotation.go_on(0)
        ((first, _),) = rotation.keys()

        # As planned: the old key is withdrawn as soon as the new one signs.
        second = rotation.new_key()
        rotation.go_on(STEP, 2)
        assert rotation.keys() == [(first, "signs"), (second, "published")]
        rotation.go_on(STEP)
        assert rotation.keys() == [(first, "kept"), (second, "signs")]
        assert world.call("keys", "withdraw", first).code == 0
        rotation.go_on(STEP)

        # After a leak: the key that signs goes at once, and the next one, which platforms have fetched, follows.
        third = rotation.new_key()
        rotation.go_on(STEP, 2)
        assert f"{third} signs at once" in world.call("keys", "withdraw", second, "--yes").out
        rotation.go_on(STEP)

        # One that is not withdrawn goes by itself.
        fourth = rotation.new_key()
        rotation.go_on(MONTH)
        assert rotation.keys() == [(first, "withdrawn"), (second, "withdrawn"), (third, "retired"), (fourth, "signs")]
        assert [one["kid"] for one in json.loads(daemon.page("/jwks")[1])["keys"]] == [fourth]

        assert [kid for kid, _ in groupby(map(kid_of, site.asked()))] == [first, second, third, fourth]
        assert {one.decision for one in site.asked()} == {"token"}
        assert {one.status for one in platform.of("score")} == {204}
        assert 3 <= tool.keys.fetches < len(site.asked()), "the platform goes by a set that it fetched before"
        assert platform.faults == []
    ends = world.rows("SELECT DISTINCT result, attempt FROM delivery")
    assert ends == [{"result": "accepted", "attempt": 1}]
    assert daemon.logged("token.") == []
    daemon.stop()
