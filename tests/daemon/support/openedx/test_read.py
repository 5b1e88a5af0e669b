"""What becomes of the lines of dumps and of events, and what is said of those that cannot be imported."""

import json

import pytest

from daemon.ingest.parse import MAX_BYTES
from daemon.support.openedx.read import (
    LONG_AGO,
    MAX_FAULTS,
    check_path,
    is_readable_by_others,
    launch_fields,
    read_files,
)
from daemon.support.openedx.store import DumpStore
from daemon.support.openedx.write import ChangedFileError, file_events
from tests.daemon.support.openedx.dumps import assignment, consumer, dumped, lti_user, service, write

NOW = 2_000_000_000_000
SCORE = {
    "type": "score.changed", "user_id": "7", "course_id": "course-1", "usage_id": "problem-1", "points_earned": 1,
    "points_possible": 2, "modified": "2026-03-02T08:00:00Z",
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    with DumpStore(tmp_path) as opened:
        yield opened


def read(store, *paths):
    return read_files(paths, store, now=NOW)


def launches(store):
    return [launch_fields(one, store.consumers[one.consumer_pk].key) for one in store.assignments()]


def test_objects_in_any_order_and_file_become_a_launch_each_that_any_other_launch_replaces(store, tmp_path):
    one = write(
        tmp_path / "a",
        assignment(11),
        lti_user(3, 7, "older"),
        lti_user(5, 7, "newer"),
        lti_user(4, 7, "of another consumer", consumer_pk=2),
        assignment(12, user=8, lis_result_sourcedid="x" * 255),
        assignment(13, user=9, disabled=True),
        assignment(14, user=9, outcome_service=9),
        assignment(15, user=9, outcome_service=3),
        dumped("gradedassignment_extra", 1, graded_assignment=12, lis_result_sourcedid_long="y" * 400),
        dumped("other", 1, anything={}),
    )
    other = write(
        tmp_path / "b", service(), service(3, "https://b", consumer_pk=9), consumer(md5="f"), SCORE, assignment(11)
    )
    contents = read(store, one, other)
    assert contents.faults == []
    assert launches(store) == [
        {
            "type": "launch",
            "oauth_consumer_key": "example",
            "user_id": "7",
            "course_id": "course-1",
            "usage_id": "problem-1",
            "lis_result_sourcedid": "sourcedid-11",
            "lis_outcome_service_url": "https://campus.example/outcomes",
            "modified": LONG_AGO,
            "lti_user_id": "newer",
        },
        launches(store)[1],
    ]
    assert launches(store)[1]["lis_result_sourcedid"] == "y" * 400
    assert "lti_user_id" not in launches(store)[1]
    assert next(file_events([one, other], now=NOW)) == {name: str(value) for name, value in SCORE.items()}
    assert dict(contents.columns) == {("lti_provider.lticonsumer", "md5"): 1}
    assert dict(contents.ignored) == {"lti_provider.other": 1}
    assert (dict(contents.events), contents.with_secrets) == ({"score.changed": 1}, {1})
    assert "secret" not in repr(store.consumers)


def test_older_sites_lack_columns_that_are_not_needed(store, tmp_path):
    fields = {"consumer_name": "c", "consumer_key": "k", "consumer_secret": "s"}
    assert read(store, write(tmp_path / "a", dumped("lticonsumer", 1, **fields))).faults == []


DEEP = b"[" * 200_000
BAD = {
    "no JSON": (b'{"model": ', "is not JSON"),
    "deep": (DEEP, "is not JSON"),
    "deep in an object": (b'{"model": "m", "fields": {"x": ' + DEEP, "is not JSON"),
    "long": (b'{"x": "' + b"y" * MAX_BYTES + b'"}', "is longer than"),
    "not UTF-8": (b'{"model": "\xff"}', "is not JSON"),
    "a list": ([1], "is neither an object of dumpdata nor an event"),
    "a number": (7, "is neither an object of dumpdata nor an event"),
    "no fields": ({"model": "lti_provider.lticonsumer", "pk": 1}, 'no "model" and "fields"'),
    "model is no text": ({"model": 7, "fields": {}}, 'no "model" and "fields"'),
    "natural key": (assignment(1, user=["ada"]), "user is no id: dump without natural keys"),
    "boolean id": (assignment(1, user=True), "user is no id"),
    "huge id": (b'{"model": "lti_provider.gradedassignment", "pk": 1' + b"0" * 60 + b', "fields": {}}', "pk is no id"),
    "no column": (dumped("outcomeservice", 1, lti_consumer=1), "it has no lis_outcome_service_url"),
    "empty": (assignment(1, lis_result_sourcedid=""), "lis_result_sourcedid is empty"),
    "NUL": (assignment(1, usage="a\0b"), "usage_key holds a NUL"),
    "half a character": (assignment(1, usage="\ud800"), "usage_key holds a NUL or half of a character"),
    "long name": (consumer(consumer_name="n" * 256), "consumer_name has more than 255 characters"),
    "secret like an encrypted one": (consumer(consumer_secret="fernet:x"), "consumer_secret begins with fernet:"),
    "event of unknown type": ({"type": "score.chnaged"}, "unknown type 'score.chnaged'"),
    "event without a field": ({"type": "user.retired"}, "user_id"),
    "event with a bad number": (SCORE | {"points_earned": "much"}, "points_earned"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_line_is_named_with_file_and_number_and_without_a_secret(store, tmp_path, name):
    line, said = BAD[name]
    path = write(tmp_path / "dump.jsonl", consumer(9, "other"), b"", line, SCORE)
    contents = read(store, path)
    (fault,) = contents.faults
    assert fault.startswith(f"{path}, line 3: ")
    assert said in fault
    assert "secret of" not in fault
    assert contents.events["score.changed"] == 1, "the lines after it are read"


def test_what_only_shows_once_all_is_read_is_named_by_its_line(store, tmp_path):
    path = write(
        tmp_path / "dump", assignment(1, course_key="c" * 300), assignment(2), consumer(), service(url="nowhere")
    )
    faults = read(store, path).faults
    assert [fault.partition(": ")[0] for fault in faults] == [f"{path}, line {number}" for number in (1, 2)]


def test_two_objects_of_one_key_are_of_two_dumps_and_many_faults_are_counted(store, tmp_path):
    path = write(tmp_path / "a", consumer(), service(), assignment(1))
    other = write(tmp_path / "b", consumer(key="b"), service(url="https://b.example"), *[assignment(1, user=2)] * 30)
    contents = read(store, path, path, other)
    assert (len(contents.faults), contents.number_of_faults) == (MAX_FAULTS, 32)
    assert all("name files of one dump only" in fault for fault in contents.faults)


def test_a_file_that_was_changed_between_the_two_passes_is_named(store, tmp_path):
    path = write(tmp_path / "a", SCORE)
    read(store, path)
    write(path, json.dumps(SCORE).encode()[:-9])
    with pytest.raises(ChangedFileError, match="line 1: the file was changed meanwhile"):
        list(file_events([path], now=NOW))


def test_a_pipe_is_no_file_and_what_others_may_read_is_seen(tmp_path):
    path = write(tmp_path / "a", SCORE)
    assert check_path(path) == path.stat().st_size
    assert not is_readable_by_others(path)
    path.chmod(0o640)
    assert is_readable_by_others(path)
    with pytest.raises(ValueError, match="no plain file"):
        check_path(tmp_path.joinpath("/dev/null"))
