"""How far apart two clocks may be. Pure."""

#: Seconds, either way. Moodle refuses a signature that is older than 300 s, the strictest of the LMSs that we know.
REFUSED = 300.0
#: Seconds, either way: no network explains these.
SUSPICIOUS = 30.0


def apart(ahead: float, other: str) -> str:
    """``its clock agrees with …``, ``is 3.2 s ahead of …``, ``is 2 h 5 min behind …``. *ahead* is in seconds."""
    # A second is as fine as a Date header tells.
    if abs(ahead) <= 1:
        return f"its clock agrees with {other}"
    return f"its clock is {_span(abs(ahead))} {'behind' if ahead < 0 else 'ahead of'} {other}"


def _span(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
