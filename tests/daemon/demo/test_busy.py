from daemon.demo.busy import busy


def test_one_in_ten_requests_is_turned_away_and_every_other_of_these_is_stored_all_the_same():
    decide = busy()
    fates = {f"learner-{number}": decide(f"learner-{number}") for number in range(40)}
    away = {place: fate for place, fate in fates.items() if fate != "served"}
    assert away == {"learner-9": "lost", "learner-19": "stored", "learner-29": "lost", "learner-39": "stored"}


def test_no_grade_is_turned_away_twice_running():
    decide = busy(every=1)
    assert [decide("learner") for _ in range(4)] == ["lost", "served", "stored", "served"]
