"""When a platform takes a score, by the times of that score and of the one before. Pure; times in microseconds."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

#: *kept*: answered as a success, though the older score remains. The last three change nothing.
TimeDecision = Literal["stored", "kept", "older", "equal"]

MICROS_PER_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class TimeRule:
    """
    What a kind of platform does with the timestamp of a score. The default is the strictest reading of LTI AGS 2.0.

    *unit*: times are compared and kept in so many microseconds. *keeps_arrival*: it keeps the time of arrival, by its
    own clock, and not the score's. *equal_score_moves_time*: also a score of the same value has its time
    kept. *keeps_best*: a lower score changes nothing. *hand_moves_time*: a grade that a person changes is as new as the
    change. *hand_is_final*: such a grade stays, whatever is sent, and every sender gets a success.
    """

    unit: int = 1
    refuses_older: bool = True
    refuses_equal: bool = True
    keeps_arrival: bool = False
    equal_score_moves_time: bool = True
    keeps_best: bool = False
    hand_moves_time: bool = True
    hand_is_final: bool = False

    def rounded(self, moment: int) -> int:
        """A time as this platform keeps it."""
        return moment // self.unit * self.unit

    def decide(
        self, held: Decimal | None, since: int | None, score: Decimal | None, timestamp: int, *, by_hand: bool
    ) -> TimeDecision:
        """
        Whether a score is taken.

        Args:
            held: What the platform holds, as a share of the maximum.
            since: The time that it keeps with it; None: it never held a score.
            score: What was sent; None: nothing, the grade is to be cleared.
            timestamp: The time that was sent.
            by_hand: A person changed what it holds.
        """
        if by_hand and self.hand_is_final:
            return "kept"
        if since is not None:
            sent, kept = self.rounded(timestamp), self.rounded(since)
            if sent < kept and self.refuses_older:
                return "older"
            if sent == kept and self.refuses_equal:
                return "equal"
        if self.keeps_best and held is not None and (score is None or score < held):
            return "kept"
        return "stored"

    def time_to_keep(self, *, since: int | None, timestamp: int, now: int, same_score: bool) -> int:
        """What is kept as the time of a score that was taken."""
        if same_score and since is not None and not self.equal_score_moves_time:
            return since
        return self.rounded(now if self.keeps_arrival else timestamp)
