"""The description of the HTTP intake for programs (OpenAPI 3.1). Pure."""

from functools import cache
from typing import Any

from daemon.ingest.documents import events_schema

_ERRORS = {
    "type": "object",
    "required": ["errors"],
    "properties": {
        "errors": {
            "description": "What is wrong, up to a hundred.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["line", "field", "reason"],
                "properties": {
                    "line": {
                        "description": "From 1: the line, or the place in the array. Null: no single event.",
                        "type": ["integer", "null"],
                    },
                    "field": {"description": "Null: the event as a whole.", "type": ["string", "null"]},
                    "reason": {"type": "string"},
                },
            },
        }
    },
}
_ACCEPTED = {
    "type": "object",
    "required": ["accepted", "ids"],
    "properties": {
        "accepted": {"description": "How many events were taken: all.", "type": "integer"},
        "ids": {
            "description": "Their entry ids on the stream, in their order.",
            "type": "array",
            "items": {"type": "string"},
        },
    },
}
_REFUSALS = {
    "400": "The body cannot be unpacked.",
    "401": "No token, or one that is not known.",
    "403": "This token may not send an event of that type or consumer.",
    "408": "The body did not come in time.",
    "413": "The body is larger than 8 MiB.",
    "422": "At least one event is wrong. None was taken.",
}
_LATER = {
    "429": "Too many events wait to be applied. None was taken; send them again.",
    "503": "Redis is away. Send the events again.",
}


def _answer(description: str, schema: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}, **more}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


@cache
def openapi() -> dict[str, Any]:
    """The document that ``GET /openapi.json`` gives."""
    schema = {name: value for name, value in events_schema().items() if name != "$schema"}
    definitions = schema.pop("$defs")
    schemas = _moved({**definitions, "Event": schema}) | {"Errors": _ERRORS, "Accepted": _ACCEPTED}
    wait = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "passbackd, HTTP intake",
            "version": "1",
            "description": "Events of a learning tool, whose grades passbackd passes on to campus LMSs.",
        },
        "security": [{"token": []}],
        "paths": {
            "/events": {
                "post": {
                    "operationId": "sendEvents",
                    "summary": "Send events: all of them are taken, or none.",
                    "description": "Safe to repeat: an event with `modified` that comes again changes nothing.",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {"anyOf": [_ref("Event"), {"type": "array", "items": _ref("Event")}]}
                            },
                            "application/x-ndjson": {"schema": {"type": "string"}},
                        },
                    },
                    "responses": {
                        "202": _answer("Redis has them.", _ref("Accepted")),
                        **{status: _answer(about, _ref("Errors")) for status, about in _REFUSALS.items()},
                        **{status: _answer(about, _ref("Errors"), headers=wait) for status, about in _LATER.items()},
                    },
                }
            }
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _moved(value: Any) -> Any:
    """With references to where OpenAPI keeps schemas."""
    if isinstance(value, dict):
        return {name: _moved(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_moved(one) for one in value]
    return value.replace("#/$defs/", "#/components/schemas/") if isinstance(value, str) else value
