"""A campus in memory: requests under way, applied in any order, or never. It keeps whatever was applied last."""

from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Request:
    """One score on its way to one sourcedid. Times are the model's milliseconds."""

    token: int
    address: Hashable
    text: str
    begun_at: int
    #: It lands before this or never; None while its sender still waits for the answer.
    limit: int | None = None
    landed_at: int | None = None
    lost: bool = False

    @property
    def under_way(self) -> bool:
        return self.landed_at is None and not self.lost


@dataclass(slots=True)
class Campus:
    """*holds*: the grade by sourcedid. *seen*: every request that was ever begun."""

    holds: dict[Hashable, str] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    def receive(self, token: int, address: Hashable, text: str, *, now: int) -> Request:
        request = Request(token, address, text, now)
        self.seen.append(request)
        return request

    def apply(self, request: Request, *, now: int) -> None:
        assert request.under_way
        assert request.limit is None or now < request.limit
        request.landed_at = now
        self.holds[request.address] = request.text

    def under_way(self) -> list[Request]:
        return [request for request in self.seen if request.under_way]

    def next_to_land(self) -> Request | None:
        """Of the requests whose sender no longer waits, the one whose last moment comes first."""
        late = [request for request in self.under_way() if request.limit is not None]
        return min(late, key=lambda request: request.limit or 0, default=None)

    def lose_what_is_late(self, now: int) -> None:
        for request in self.under_way():
            if request.limit is not None and request.limit <= now:
                request.lost = True
