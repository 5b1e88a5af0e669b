"""An entry with the largest id that there is: no entry can follow it, the rest goes on, and a new stream cures it."""

from tests.blackbox.world import STREAM, launch, score

LARGEST = f"{2**64 - 1}-{2**64 - 1}"


def test_an_entry_with_the_largest_id_stops_neither_reading_nor_sending(pair, campus):
    daemon = pair.begin()
    pair.add(launch("ada", "problem-1", "ada-1", campus.url()), score("ada", "problem-1", 1))
    daemon.wait_settled()
    with pair.redis() as client:
        client.xadd(STREAM, score("ada", "problem-1", 2), id=LARGEST)
        daemon.wait_until("it is in quarantine", lambda: (daemon.status() or {})["quarantined"] == 1)
        assert daemon.wait_settled()["stream_lag"] == 0
        assert daemon.page("/readyz") == (200, "ok\n")
        faults = [line for line in pair.call("check", "--deep").faults if "redis" in line]
        assert ["PassbackdStreamAhead" in line for line in faults] == [True]

        # One that starts sends what is due.
        daemon.stop()
        assert pair.call("resend", "--all", "--force").code == 0
        again = pair.run().wait_ready()
        again.wait_settled()
        assert campus.scores("ada-1") == ["0.1", "0.1"]

        client.rename(STREAM, f"{STREAM}:put-aside")
        again.wait_until("the reset is noticed", lambda: len(again.logged("the stream was reset")) == 1)
        pair.add(score("ada", "problem-1", 5))
        again.wait_settled()
    assert campus.gradebook == {("/outcomes", "ada-1"): "0.5"}
    again.stop()
