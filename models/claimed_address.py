"""Where an assignment's grade goes."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Address:
    """Where an assignment's grade goes, and with which credentials."""

    outcome_service_id: int
    url: str
    campus_id: int
    #: Scheme, host and port.
    origin: str
    consumer_name: str
    consumer_key: str
    #: As :mod:`models.encryption` stores it.
    consumer_secret: str = field(repr=False)
    #: What the secret will be once the campus has changed its own, stored likewise; None if none is announced.
    pending_secret: str | None = field(default=None, repr=False)
    consumer_id: int = 0
    #: What the platform calls itself; None: the consumer speaks LTI 1.1.
    issuer: str | None = None
    #: The kind of LMS, if it is known.
    product: str | None = None
    #: What launches offered, separated by blanks; None: they did not say.
    offered: str | None = None
    #: The link whose line item is not known yet: nothing can be sent.
    wanted_for: str | None = None
    #: Seconds that the campus's clock is ahead of ours, if it is two or more.
    clock_offset: int = 0

    def offers(self, what: str) -> bool:
        """Whether launches offered this scope, or extension."""
        return what in (self.offered or "").split()


def _of_campus(column: str, tables: str = "campus", *, name: str = "") -> str:
    return f"(SELECT {column} FROM {tables} WHERE campus.id = graded_assignment.campus_id) AS {name or column}"


def _of_consumer(column: str) -> str:
    return _of_campus(column, "campus JOIN lti_consumer ON lti_consumer.id = campus.lti_consumer_id")


def _of_service(column: str, name: str) -> str:
    return f"""(SELECT {column} FROM outcome_service
                WHERE outcome_service.id = graded_assignment.outcome_service_id) AS {name}"""


#: The columns of :class:`Address` but the ids that the row has itself, as SQL over `graded_assignment`.
ADDRESS = f"""{_of_service("lis_outcome_service_url", "url")}, {_of_service("offered", "offered")},
            {_of_service("wanted_for", "wanted_for")},
            {_of_campus("origin")}, {_of_campus("tripped_at")}, {_of_campus("slow")}, {_of_campus("clock_offset")},
            {_of_campus("lti_consumer_id", name="consumer_id")}, {_of_consumer("issuer")}, {_of_consumer("product")},
            {_of_consumer("consumer_name")}, {_of_consumer("consumer_key")}, {_of_consumer("consumer_secret")},
            {_of_consumer("pending_secret")}"""
