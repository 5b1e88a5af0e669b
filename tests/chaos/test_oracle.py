"""What a cell must hold, worked out from events alone."""

from tests.blackbox.world import COURSE
from tests.chaos.oracle import Cell, Entry, Oracle
from tests.chaos.tool import STRUCTURES

URL = "https://lms.example/outcomes"
SECOND, LATER = "2026-01-01T10:00:00+00:00", "2026-01-01T10:00:01+00:00"


class Said:
    """Events in order of arrival, a millisecond apart from ten o'clock on."""

    def __init__(self):
        self.entries = []
        self.add(type="course.structure", course_id=COURSE, version="1", blocks=STRUCTURES[0])

    def add(self, blocks=None, **fields):
        at = 1_767_261_600_000 + len(self.entries)
        fields = {name: value for name, value in fields.items() if value is not None}
        self.entries.append(Entry(len(self.entries), f"{at}-0", fields, blocks))
        return self

    def launch(self, user, sourcedid, modified=None, usage="problem-1"):
        fields = {"user_id": user, "usage_id": usage, "resource_link_id": usage, "modified": modified}
        address = {"lis_outcome_service_url": URL, "lis_result_sourcedid": sourcedid}
        return self.add(type="launch", oauth_consumer_key="north", **address, **fields)

    def score(self, user, points, modified=None, problem="problem-1"):
        fields = {"user_id": user, "usage_id": problem, "modified": modified}
        return self.add(type="score.changed", points_earned=str(points), points_possible="1000", **fields)

    def retire(self, user, modified=None):
        return self.add(type="user.retired", user_id=user, modified=modified)

    def disable(self, sourcedid, modified=None):
        fields = {"oauth_consumer_key": "north", "lis_result_sourcedid": sourcedid, "modified": modified}
        return self.add(type="assignment.disabled", **fields)

    def grades(self, **added):
        wanted = Oracle(self.entries, added).wanted()
        return {cell.sourcedid: want.grade for cell, want in wanted.items()}


def test_the_newest_score_counts_and_of_equal_times_the_one_that_came_last():
    assert Said().launch("ada", "a").score("ada", 1, LATER).score("ada", 2, SECOND).grades() == {"a": "0.001"}
    assert Said().launch("ada", "a").score("ada", 1, LATER).score("ada", 2, LATER).grades() == {"a": "0.002"}


def test_a_score_without_a_time_has_that_of_its_entry():
    assert Said().launch("ada", "a").score("ada", 1).score("ada", 2, SECOND).grades() == {"a": "0.001"}


def test_a_chapter_counts_what_was_attempted_and_what_was_not():
    said = Said().launch("ada", "a", usage="chapter").score("ada", 300)
    assert said.grades() == {"a": "0.1"}
    assert said.score("ada", 600, problem="problem-3").grades() == {"a": "0.3"}
    said.add(type="course.structure", course_id=COURSE, version="2", blocks=STRUCTURES[1])
    assert said.grades() == {"a": "0.15"}


def test_a_cell_belongs_to_its_newest_launch_unless_its_link_has_a_newer_cell():
    said = Said().score("ada", 1).score("bob", 2).launch("ada", "a", LATER).launch("bob", "a", LATER)
    assert said.grades() == {"a": "0.002"}
    assert said.launch("bob", "b").grades() == {"a": "0.002"}, "a launch at ten o'clock is older"
    assert said.launch("bob", "c", "2026-01-01T10:00:02+00:00").grades() == {"c": "0.002"}


def test_a_retired_learner_has_what_came_since():
    said = Said().launch("ada", "a").score("ada", 1).retire("ada", LATER)
    assert said.grades() == {}
    assert said.launch("ada", "a", LATER).score("ada", 2, SECOND).grades() == {}
    assert said.score("ada", 3, LATER).grades() == {"a": "0.003"}


def test_nothing_is_known_of_a_disabled_cell_until_a_newer_launch():
    said = Said().score("ada", 1).launch("ada", "a", SECOND).disable("a", LATER)
    assert said.grades() == {}
    assert said.launch("ada", "a", LATER).grades() == {"a": "0.001"}


def test_nothing_is_known_of_what_was_launched_before_its_consumer_was_added_again():
    said = Said().score("ada", 1).launch("ada", "a")
    assert said.grades(north=len(said.entries)) == {}
    assert said.launch("ada", "a").grades(north=len(said.entries) - 1) == {"a": "0.001"}


def test_over_lti13_a_cell_is_a_learner_of_a_line_item():
    said, item = Said().score("ada", 1).score("bob", 2), f"{URL}/lineitem"
    named = {"issuer": "https://lms.example", "client_id": "east", "lineitem": item, "resource_link_id": "link"}

    def say(kind, user, sub):
        said.add(type=kind, user_id=user, usage_id="problem-1", lti_user_id=sub, **named)

    say("launch", "ada", "sub-1")
    say("launch", "bob", "sub-2")
    wanted = Oracle(said.entries, {}).wanted()
    assert {cell: want.grade for cell, want in wanted.items()} == {
        Cell("east", item, "sub-1"): "0.001",
        Cell("east", item, "sub-2"): "0.002",
    }
    say("assignment.disabled", None, "sub-1")
    assert said.grades() == {"sub-2": "0.002"}
    say("launch", "ada", "sub-2")
    assert said.grades() == {"sub-2": "0.001"}


def test_the_history_of_a_cell_has_its_launches_their_learners_scores_and_ends():
    said = Said().launch("ada", "a").score("ada", 1).score("bob", 2).launch("bob", "b").disable("b").retire("ada")
    history = Oracle(said.entries, {}).history(Cell("north", URL, "a"))
    assert [entry.type for entry in history] == ["launch", "score.changed", "user.retired"]
