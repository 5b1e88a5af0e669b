"""A campus that moves from LTI 1.1 to 1.3: both versions write into the same columns."""

from typing import Any, NamedTuple

from daemon.demo.lms.request import RequestRecord
from daemon.demo.platform.gradebook import ShownGrade
from tests.fakes.lms import RecordingLms
from tests.fakes.platform import RecordingPlatform


class SharedPlace(NamedTuple):
    """A learner's place in a column, as LTI 1.3 names it: the path of the line item and the user id."""

    path: str
    user_id: str


class MovingLms(RecordingLms):
    """
    The LTI 1.1 side: what is stored on either side shows on both, once :meth:`share` has joined the places.

    A score over LTI 1.1 names no time; on the other side it is as new as a change by a person is there. Run both on the
    same loop, this one inside the other.
    """

    def __init__(self, platform: RecordingPlatform, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._platform = platform
        self._places: dict[tuple[str, str], SharedPlace] = {}
        platform.gradebook.watchers.append(self._show)

    def share(self, path: str, sourcedid: str, line_item: str, user_id: str) -> None:
        """Have a sourcedid of an outcome service's path be the same place as a learner's of a line item."""
        self._places[path, sourcedid] = SharedPlace(self._platform.column(line_item).path, user_id)

    def store(self, record: RequestRecord) -> None:
        super().store(record)
        place = self._places.get((record.path, record.sourcedid or ""))
        if place is not None and (record.deletes or record.score is not None):
            self._platform.gradebook.put_unstamped(
                place.path, place.user_id, record.score, now=self._platform.now(), number=record.number
            )

    def _show(self, shown: ShownGrade) -> None:
        for key, place in self._places.items():
            if place == (shown.path, shown.user_id):
                if shown.grade is None:
                    self.gradebook.pop(key, None)
                else:
                    self.gradebook[key] = str(shown.grade)
