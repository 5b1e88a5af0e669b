from daemon.demo.busy import busy
from daemon.demo.lms.request import RequestRecord


def request(sourcedid):
    return RequestRecord(0, "/outcomes", {}, b"", ("", 0), began=0.0, sourcedid=sourcedid)


def test_one_in_ten_requests_is_turned_away_and_every_other_of_these_is_stored_all_the_same():
    behave = busy()
    answers = {f"learner-{number}": behave(request(f"learner-{number}")) for number in range(40)}
    away = {sourcedid: answer.apply for sourcedid, answer in answers.items() if answer.status == 503}
    assert away == {"learner-9": False, "learner-19": True, "learner-29": False, "learner-39": True}
    assert all(answer.apply for answer in answers.values() if answer.status == 200)


def test_no_grade_is_turned_away_twice_running():
    behave = busy(every=1)
    assert [behave(request("learner")).status for _ in range(4)] == [503, 200, 503, 200]
