"""
Objects of ``manage.py lms dumpdata lti_provider --format jsonl``, as records. Pure.

Source: ``lms/djangoapps/lti_provider/models.py`` of openedx/edx-platform. Columns are read by name: forks have more of
them, and older sites lack some that are not needed here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.consumer import MAX_GUID, MAX_KEY, MAX_NAME
from models.db.sql import MAX_ID
from models.encryption import ENCRYPTED

#: Characters of a column of the platform's tables: a sourcedid of exactly so many was probably cut.
MAX_COLUMN = 255


class BadObjectError(ValueError):
    """An object that cannot be brought over. The message says why and what to do; it never holds a secret."""


@dataclass(frozen=True, slots=True)
class DumpedConsumer:
    """``lti_provider.lticonsumer``."""

    pk: int
    name: str
    key: str
    secret: str = field(repr=False)
    guid: str | None


@dataclass(frozen=True, slots=True)
class DumpedService:
    """``lti_provider.outcomeservice``."""

    pk: int
    consumer_pk: int
    url: str


@dataclass(frozen=True, slots=True)
class DumpedUser:
    """``lti_provider.ltiuser``. *user_id*: the site's own, decimal."""

    pk: int
    consumer_pk: int
    user_id: str
    lti_user_id: str


@dataclass(frozen=True, slots=True)
class DumpedAssignment:
    """``lti_provider.gradedassignment``. *user_id*: the site's own, decimal."""

    pk: int
    service_pk: int
    user_id: str
    course_id: str
    usage_id: str
    sourcedid: str
    disabled: bool


@dataclass(frozen=True, slots=True)
class LongSourcedid:
    """What forks keep beside an assignment whose sourcedid its column cannot hold."""

    pk: int
    sourcedid: str


DumpedObject = DumpedConsumer | DumpedService | DumpedUser | DumpedAssignment | LongSourcedid

#: By model, the columns that are known; those that are not needed among them.
_COLUMNS = {
    "lti_provider.lticonsumer": {
        *("consumer_name", "consumer_key", "consumer_secret", "instance_guid"),
        *("require_user_account", "use_lti_pii"),
    },
    "lti_provider.outcomeservice": {"lis_outcome_service_url", "lti_consumer"},
    "lti_provider.ltiuser": {"lti_consumer", "lti_user_id", "edx_user"},
    "lti_provider.gradedassignment": {
        *("user", "course_key", "usage_key", "outcome_service", "lis_result_sourcedid"),
        *("version_number", "disabled"),
    },
}
_LONG = "lis_result_sourcedid_long"
_LONG_COLUMNS = {_LONG, "graded_assignment"}


def read_object(found: Mapping[str, Any]) -> DumpedObject | None:
    """
    One object of a dump; None for a model that is not needed here.

    Raises:
        BadObjectError: A column that is needed is absent, or cannot be used.
    """
    columns = _Columns(found)
    match columns.model:
        case "lti_provider.lticonsumer":
            return _consumer(columns)
        case "lti_provider.outcomeservice":
            return DumpedService(columns.pk, columns.id("lti_consumer"), columns.text("lis_outcome_service_url"))
        case "lti_provider.ltiuser":
            user_id = str(columns.id("edx_user"))
            return DumpedUser(columns.pk, columns.id("lti_consumer"), user_id, columns.text("lti_user_id"))
        case "lti_provider.gradedassignment":
            return DumpedAssignment(
                columns.pk,
                columns.id("outcome_service"),
                str(columns.id("user")),
                columns.text("course_key"),
                columns.text("usage_key"),
                columns.text("lis_result_sourcedid"),
                disabled=bool(columns.values.get("disabled")),
            )
        case _ if columns.values.keys() >= _LONG_COLUMNS:
            sourcedid = columns.text(_LONG) if columns.values[_LONG] else ""
            return LongSourcedid(columns.id("graded_assignment"), sourcedid)
    return None


def unknown_columns(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The model and name of each column of a known model that passbackd does not know."""
    known = _COLUMNS.get(found["model"])
    if known is not None:
        yield from ((found["model"], name) for name in found["fields"] if name not in known)


def _consumer(columns: "_Columns") -> DumpedConsumer:
    secret = columns.text("consumer_secret")
    if secret.startswith(ENCRYPTED):
        raise BadObjectError(f"consumer_secret begins with {ENCRYPTED}, by which encrypted ones are known")
    guid = columns.text("instance_guid", MAX_GUID) if columns.values.get("instance_guid") else None
    name, key = columns.text("consumer_name", MAX_NAME), columns.text("consumer_key", MAX_KEY)
    return DumpedConsumer(columns.pk, name, key, secret, guid)


class _Columns:
    """One object's columns."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        model, values = found.get("model"), found.get("fields")
        if not isinstance(model, str) or not isinstance(values, dict):
            raise BadObjectError('is no object of dumpdata: it has no "model" and "fields"')
        self.model, self.values = model, values
        self._found = found

    @property
    def pk(self) -> int:
        return self._number("pk", self._found.get("pk"))

    def id(self, name: str) -> int:
        """The primary key of another object."""
        return self._number(name, self._of(name))

    def text(self, name: str, most: int | None = None) -> str:
        """Text that is not empty, of at most *most* characters."""
        value = self._of(name)
        if not isinstance(value, str) or not value:
            raise BadObjectError(f"{self.model}: {name} is empty or no text")
        if most is not None and len(value) > most:
            raise BadObjectError(f"{self.model}: {name} has more than {most} characters")
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise BadObjectError(f"{self.model}: {name} holds a NUL or half of a character")
        return value

    def _of(self, name: str) -> Any:
        if name not in self.values:
            raise BadObjectError(f"{self.model}: it has no {name}; was it written by dumpdata of lti_provider?")
        return self.values[name]

    def _number(self, name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_ID:
            raise BadObjectError(f"{self.model}: {name} is no id: dump without natural keys")
        return value
