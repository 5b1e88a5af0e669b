"""A grade that waits for its column at the campus (LTI 1.3), in words. Pure."""

from daemon.infra.text import past, upcoming
from daemon.why.known import Known, Terms, campus_name
from daemon.why.trouble import campus_advice, campus_trouble


def line_item_words(known: Known, terms: Terms) -> list[str]:
    """Of a grade whose line item is to be found or made."""
    row = known.row
    since = "" if row.waiting_since is None else f" since {past(row.waiting_since, terms.zone)}"
    waits = (
        f"Waiting{since} for the column (line item) of this activity at {campus_name(row)}: the launch named none, so "
        "passbackd looks for it there, and makes one where there is none. The grade is sent once that is known."
    )
    said = [waits]
    again = (
        f"at {upcoming(row.look_at, now=terms.now, zone=terms.zone)}" if row.look_at > terms.now else "within seconds"
    )
    if row.look_error:
        said.append(f"The last look failed: '{row.look_error}'; passbackd looks again {again}.")
        said += filter(None, [campus_advice(row.look_error, row)])
    trouble = campus_trouble(row, terms)
    return said if trouble is None else [*said, f"But {trouble.words}"]
