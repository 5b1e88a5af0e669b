"""Two events about the same thing have an order, whichever is read first."""

from models.moment import MAX_PLACE, Moment, place_of

IN_ORDER = ["0-0", "0-1", "9-10", "10-9", "10-10", f"10-{2**64 - 1}", "1767225600000-0", f"{2**64 - 1}-{2**64 - 1}"]


def test_places_sort_as_the_stream_orders_its_entries():
    places = [place_of(entry_id) for entry_id in IN_ORDER]
    assert places == sorted(places)
    assert {len(place) for place in places} == {MAX_PLACE}


def test_the_time_decides_before_the_place_and_no_place_is_before_all():
    assert Moment(1, place_of("9-0")) < Moment(2, place_of("1-0")) < Moment(2, place_of("1-1"))
    assert Moment(2, place_of(None)) < Moment(2, place_of("0-0"))
    assert place_of("5") == place_of("5-0")
