"""An LTI 1.3 platform beside a world: added by the command, with learners who launch from it and work."""

import json
from itertools import count
from typing import Any

from joserfc import jws

from daemon.demo.platform.request import PlatformRequest
from daemon.demo.platform.tokens import AgsScope, TokenForm
from tests.blackbox.world import COURSE, Fields, Said, World, score, wire
from tests.fakes.platform import RecordingPlatform

#: Points of each problem. Many, so that no grade comes twice.
POSSIBLE = 1_000_000


class Site:
    """One platform with one line item; *name* is also a part of the client id and of its learners' ids."""

    def __init__(self, world: World, platform: RecordingPlatform, name: str, *, learners: int = 2) -> None:
        self.world, self.platform, self.name, self.client = world, platform, name, f"client-{name}"
        self.line_item = platform.add_line_item()
        self.learners = [f"{name}-{number}" for number in range(learners)]
        #: What the platform should show in the end, by learner.
        self.newest: dict[str, str] = {}
        self._points = count(1)

    def add(self, *options: str) -> Said:
        """``platform add``, with what else is to be said."""
        said = self.world.call(
            *("platform", "add", self.name, "--issuer", self.platform.issuer, "--client-id", self.client),
            *("--token-url", self.platform.token_url, *options),
        )
        assert said.code == 0, said.err
        return said

    def launches(self, **more: str) -> list[Fields]:
        """A launch of each learner, with all scopes."""
        return [
            {
                "type": "launch",
                "issuer": self.platform.issuer,
                "client_id": self.client,
                "lti_user_id": f"sub-{learner}",
                "lineitem": self.line_item,
                "scopes": " ".join(AgsScope),
                "user_id": learner,
                "course_id": COURSE,
                "usage_id": "problem-1",
                **more,
            }
            for learner in self.learners
        ]

    def work(self) -> list[Fields]:
        """A new score of each learner, which no one had before."""
        return [self._score(learner) for learner in self.learners]

    def _score(self, learner: str) -> Fields:
        points = next(self._points)
        self.newest[learner] = wire(points, POSSIBLE)
        return score(learner, "problem-1", points, POSSIBLE)

    @property
    def is_served(self) -> bool:
        """Whether the platform shows the newest score of everybody."""
        return all(self.platform.grade(self.line_item, f"sub-{name}") == text for name, text in self.newest.items())

    def asked(self) -> list[PlatformRequest]:
        """The requests for an access token, in order of arrival."""
        return self.platform.of("token")

    def why(self, learner: int = 0) -> dict[str, Any]:
        """What ``why --json`` says of a learner's grade."""
        said = self.world.call("why", "--user", self.learners[learner], "--json")
        (one,) = json.loads(said.out)
        return dict(one)

    def rows(self) -> list[dict[str, Any]]:
        """The stored assignments of its learners."""
        return self.world.rows(f"SELECT * FROM graded_assignment WHERE user_id LIKE '{self.name}-%' ORDER BY id")


def assertion_of(request: PlatformRequest) -> str:
    """The assertion that a token request carries."""
    return TokenForm.read(request.headers["Content-Type"], request.body).assertion


def kid_of(request: PlatformRequest) -> str:
    """Which key signed a token request."""
    kid: str = jws.extract_compact(assertion_of(request).encode()).headers()["kid"]
    return kid
