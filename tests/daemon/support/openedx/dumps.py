"""Objects as ``manage.py lms dumpdata lti_provider --format jsonl`` writes them."""

import json
from pathlib import Path
from typing import Any


def dumped(model: str, pk: int, **fields: Any) -> dict[str, Any]:
    return {"model": f"lti_provider.{model}", "pk": pk, "fields": fields}


def consumer(pk: int = 1, key: str = "example", **more: Any) -> dict[str, Any]:
    values = {"consumer_name": f"Campus {key}", "consumer_key": key, "consumer_secret": f"secret of {key}"}
    return dumped("lticonsumer", pk, **values | {"instance_guid": None, "require_user_account": False} | more)


def service(pk: int = 1, url: str = "https://campus.example/outcomes", consumer_pk: int = 1) -> dict[str, Any]:
    return dumped("outcomeservice", pk, lis_outcome_service_url=url, lti_consumer=consumer_pk)


def lti_user(pk: int, user: int, lti_user_id: str, consumer_pk: int = 1) -> dict[str, Any]:
    return dumped("ltiuser", pk, lti_consumer=consumer_pk, lti_user_id=lti_user_id, edx_user=user)


def assignment(pk: int, user: int = 7, usage: str = "problem-1", **more: Any) -> dict[str, Any]:
    values = {"user": user, "course_key": "course-1", "usage_key": usage, "outcome_service": 1, "version_number": 3}
    return dumped("gradedassignment", pk, **values | {"lis_result_sourcedid": f"sourcedid-{pk}"} | more)


def write(path: Path, *objects: Any) -> Path:
    """A file of JSON lines, one an object; bytes are lines as they are."""
    lines = (one if isinstance(one, bytes) else json.dumps(one).encode() for one in objects)
    path.write_bytes(b"\n".join(lines) + b"\n")
    path.chmod(0o600)
    return path
