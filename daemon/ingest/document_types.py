"""
What the fields of an event may hold, as a JSON document has it. Pure.

What these types accept, intake accepts too; intake also takes other forms of ISO 8601, and hosts of national scripts.
"""

from typing import Annotated, Any, Literal

from pydantic import WithJsonSchema
from typing_extensions import TypeAliasType

from actors.protocols.address import MAX_URL
from daemon.ingest.blocks import MAX_ID_LENGTH, MAX_POINTS
from daemon.ingest.fields import MAX_DETAIL, MAX_SOURCEDID
from daemon.ingest.launches import MAX_SCOPES
from models.consumer import MAX_KEY

# What all readers of JSON take for the same whole number.
_WHOLE = {"type": "integer", "minimum": 1 - 2**53, "maximum": 2**53 - 1}
#: Text without a NUL character.
NO_NUL = r"^[^\u0000]*$"
# Python takes the place before a last line feed for the end too; intake reads no number with one.
_END = r"(?!\n)$"
# No text of so many digits is beyond MAX_POINTS.
_DECIMAL = rf"(?:[0-9]{{1,12}}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]-[0-9]+)?{_END}"
_MONTHS = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
# Every fourth year, as is right from 1970 to 2099.
_LEAP_DAY = "(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26]))-02-29"
_DATE = f"(?:{_LEAP_DAY}|(?:19[7-9][0-9]|20[0-9]{{2}})-(?:{_MONTHS}|02-(?:0[1-9]|1[0-9]|2[0-8])))"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
_HOST = "[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::(?:[0-5]?[0-9]{1,4}|6[0-4][0-9]{3}))?"
_SCOPE = r"""[A-Za-z][A-Za-z0-9+.-]*:[^\s,"'\u0000]+"""


def _schema(about: str, **schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"description": about, **schema})


def _text(about: str, most: int, *, least: int = 1) -> WithJsonSchema:
    texts = {"type": "string", "minLength": least, "maxLength": most, "pattern": NO_NUL}
    return _schema(about, anyOf=[texts, _WHOLE])


def _points(about: str, sign: str, least: float) -> WithJsonSchema:
    number = {"type": "number", "minimum": least, "maximum": MAX_POINTS}
    return _schema(about, anyOf=[number, {"type": "string", "pattern": f"^{sign}{_DECIMAL}"}])


# Named, so that the schema names them too.
Id = TypeAliasType("Id", Annotated[str | int, _text("One of the tool's own ids.", MAX_ID_LENGTH)])
CampusId = TypeAliasType(
    "CampusId", Annotated[str | int, _text("A consumer key, an issuer or an id of the campus's.", MAX_DETAIL)]
)
Detail = TypeAliasType(
    "Detail", Annotated[str | int, _text("A title, or an id of the campus's; may be empty.", MAX_DETAIL, least=0)]
)
Deployment = TypeAliasType(
    "Deployment", Annotated[str | int, _text("The id of a deployment; may be empty.", MAX_KEY, least=0)]
)
SourcedId = TypeAliasType("SourcedId", Annotated[str | int, _text("A sourcedid as the LMS sent it.", MAX_SOURCEDID)])
PointsEarned = TypeAliasType(
    "PointsEarned", Annotated[float | str, _points("Weighted points: a number, or its text.", "[+-]?", -MAX_POINTS)]
)
PointsPossible = TypeAliasType(
    "PointsPossible",
    Annotated[float | str, _points("Weighted points, not negative: a number, or its text.", r"\+?", 0)],
)
StructureVersion = TypeAliasType(
    "StructureVersion",
    Annotated[
        int | str,
        _schema(
            "A whole number, or its text.", anyOf=[_WHOLE, {"type": "string", "pattern": f"^[+-]?[0-9]{{1,15}}{_END}"}]
        ),
    ],
)
Time = TypeAliasType(
    "Time",
    Annotated[
        str,
        _schema(
            "A time with a zone (RFC 3339), at most an hour ahead of the event's arrival. Intake takes the other forms "
            "of ISO 8601 too.",
            type="string",
            format="date-time",
            pattern=f"^{_DATE}T{_TIME}$",
        ),
    ],
)
Url = TypeAliasType(
    "Url",
    Annotated[
        str,
        _schema(
            "A whole http or https address, its host as DNS has it.",
            type="string",
            maxLength=MAX_URL,
            pattern=rf"^https?://{_HOST}(?:[/?][!-\[\]-~]*)?$",
        ),
    ],
)
Scopes = TypeAliasType(
    "Scopes",
    Annotated[
        str,
        _schema(
            "The scopes of the launch's endpoint claim, whole, with a blank between two.",
            type="string",
            maxLength=MAX_SCOPES,
            pattern=f"^(?:{_SCOPE}(?: {_SCOPE})*)?$",
        ),
    ],
)
Flag = TypeAliasType(
    "Flag",
    Annotated[
        bool | str,
        _schema(
            "As the launch had it.",
            anyOf=[{"type": "boolean"}, _WHOLE, {"type": "string", "maxLength": MAX_DETAIL, "pattern": NO_NUL}],
        ),
    ],
)
Empty = TypeAliasType("Empty", Annotated[Literal[""], _schema("Empty, as if it were absent.", const="")])
BlockId = TypeAliasType(
    "BlockId",
    Annotated[
        str,
        _schema("One of the tool's own ids.", type="string", minLength=1, maxLength=MAX_ID_LENGTH, pattern=NO_NUL),
    ],
)
BlockPoints = TypeAliasType(
    "BlockPoints",
    Annotated[float, _schema("Weighted points, not negative.", type="number", minimum=0, maximum=MAX_POINTS)],
)
