"""What people call an activity and a campus. Pure."""

from urllib.parse import urlsplit

from models.queries.grades import AssignmentView

_USUAL_PORTS = {"https": ":443", "http": ":80"}


def title(row: AssignmentView) -> str:
    """Course and activity, by the titles of the launch where it had any."""
    return f"{row.context_title or row.course_id}: {row.resource_link_title or row.usage_id}"


def campus(row: AssignmentView) -> str:
    """``Example University (canvas.example.edu)``: with a port only where it is not the scheme's own."""
    parts = urlsplit(row.origin)
    return f"{row.consumer} ({parts.netloc.removesuffix(_USUAL_PORTS.get(parts.scheme, ''))})"


def noun(row: AssignmentView) -> str:
    """What kind of block it is, to a learner."""
    return "unit" if row.composite else "problem"
