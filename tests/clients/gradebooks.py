"""What campuses have been sent of a site's grades, and what they should show."""

from collections.abc import Iterable

from tests.clients.open_edx import OpenEdx, campus_of
from tests.fakes.lms import Applied, RecordingLms

PATH = "/outcomes"
#: Who sent a request, by its header User-Agent.
SITE = "the site itself"
#: What teachers write; no learner gets it.
CORRECTED = "0.987654"


class Gradebooks:
    """All campuses, by consumer key."""

    def __init__(self, site: OpenEdx, campuses: dict[str, RecordingLms]) -> None:
        self._site = site
        self._campuses = campuses
        #: The grade over which a teacher has written, by sourcedid.
        self._corrected: dict[str, str] = {}

    def fill(self) -> None:
        """With what the site has sent in the years before."""
        for sourcedid, score in self._site.newest().items():
            if score is not None:
                self._campuses[campus_of(sourcedid)].gradebook[PATH, sourcedid] = score

    def correct(self, sourcedids: Iterable[str]) -> None:
        """A teacher writes over grades."""
        newest = self._site.newest()
        for sourcedid in sourcedids:
            if newest[sourcedid] is not None:
                self._corrected[sourcedid] = str(newest[sourcedid])
                self._campuses[campus_of(sourcedid)].gradebook[PATH, sourcedid] = CORRECTED

    def differing(self, *keys: str) -> dict[str, tuple[str | None, str]]:
        """What these campuses show, and what they should, where that differs."""
        shown = {key: self._campuses[key].grades() for key in keys}
        found = {}
        for sourcedid, newest in self._site.newest().items():
            key = campus_of(sourcedid)
            if newest is None or key not in shown:
                continue
            wanted = CORRECTED if self._corrected.get(sourcedid) == newest else newest
            if shown[key].get(sourcedid) != wanted:
                found[sourcedid] = shown[key].get(sourcedid), wanted
        return found

    def sent(self, key: str, *, by_site: bool, since: int = 0) -> list[str]:
        """
        The sourcedids of all scores that a campus was sent by the site, or by passbackd, in order of arrival.

        *since*: leaves out as many of its first requests.
        """
        return [
            request.sourcedid or ""
            for request in self._campuses[key].requests[since:]
            if request.score is not None and (request.headers.get("User-Agent") == SITE) == by_site
        ]

    def overtaken(self, since: dict[str, int] | None = None) -> list[str]:
        """Where a grade was replaced by an older one, and who sent both: every new grade of a learner is greater."""
        found = []
        for key, campus in self._campuses.items():
            before: dict[str, Applied] = {}
            for one in list(campus.applied):
                if since and one.number < since[key]:
                    continue
                last = before.get(one.sourcedid, one)
                if float(one.score) < float(last.score):
                    found.append(f"{one.sourcedid}: {self._named(key, last)}, then {self._named(key, one)}")
                before[one.sourcedid] = one
        return found

    def _named(self, key: str, one: Applied) -> str:
        is_sites = self._campuses[key].requests[one.number].headers.get("User-Agent") == SITE
        return f"{one.score} at {one.at:.2f} by {'the site' if is_sites else 'passbackd'}"

    def number(self) -> dict[str, int]:
        """How many requests each campus has had."""
        return {key: len(campus.requests) for key, campus in self._campuses.items()}
