"""Documents made from a JSON schema, as far as that of the events goes, and documents that are wrong in one place."""

import copy

from hypothesis import strategies as st

from daemon.ingest.document_types import NO_NUL
from daemon.ingest.documents import events_schema

SCHEMA = events_schema()

#: As JSON can write it and UTF-8 can hold it.
_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")


def documents(schema, definitions):
    """What *schema* accepts."""
    if "$ref" in schema:
        return documents(definitions[schema["$ref"].removeprefix("#/$defs/")], definitions)
    if "anyOf" in schema:
        return st.one_of([documents(one, definitions) for one in schema["anyOf"]])
    if "const" in schema:
        return st.just(schema["const"])
    match schema["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.integers(schema["minimum"], schema["maximum"])
        case "number":
            return st.floats(schema["minimum"], schema["maximum"]) | st.integers(0, 100)
        case "string":
            return _texts(schema)
        case "array":
            return st.just([])  # a tree has to be made as one
        case "object":
            return _objects(schema, definitions)
    raise AssertionError(f"no documents are made for {schema}")


def _texts(schema):
    least, most = schema.get("minLength", 0), schema.get("maxLength", 2000)
    if schema.get("pattern", NO_NUL) == NO_NUL:
        return st.text(_CHARACTERS, min_size=least, max_size=min(most, 20)) | st.just("x" * min(most, 1024))
    return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda text: least <= len(text) <= most)


def _objects(schema, definitions):
    fields = {name: documents(one, definitions) for name, one in schema["properties"].items()}
    needed = {name: fields[name] for name in schema["required"]}
    others = {name: made for name, made in fields.items() if name not in needed}
    return st.fixed_dictionaries(needed, optional=others)


@st.composite
def trees(draw):
    """The blocks of a course, in any order."""
    number = draw(st.integers(1, 8))
    ids = draw(st.lists(st.text(_CHARACTERS, min_size=1, max_size=6), min_size=number, max_size=number, unique=True))
    blocks = [{"usage_id": ids[0], "parent": None}]
    for at in range(1, number):
        block = {"usage_id": ids[at], "parent": ids[draw(st.integers(0, at - 1))]}
        if draw(st.booleans()):
            block["points_possible"] = draw(st.integers(0, 10) | st.floats(0, 1e12) | st.none())
        blocks.append(block)
    return draw(st.permutations(blocks))


def made(event):
    """Documents that the schema accepts as that event."""
    valid = documents(SCHEMA["$defs"][event.__name__], SCHEMA["$defs"])
    if "blocks" not in event.model_fields:
        return valid
    blocks = trees() if event.model_fields["user_id"].annotation is type(None) else trees() | st.just([])
    return st.builds(lambda document, tree: {**document, "blocks": tree}, valid, blocks)


#: What no field may be.
_WRONG = st.sampled_from([True, [], {}, ["x"], {"x": 1}, "", "\0", "x" * 9_000, float("nan"), -1.5])


@st.composite
def mutants(draw, valid, schema):
    """A valid document that lacks something it needs, or holds there what cannot be."""
    document = copy.deepcopy(draw(valid))
    name = draw(st.sampled_from(sorted(schema["required"])))
    if draw(st.booleans()):
        del document[name]
    else:
        document[name] = draw(_WRONG)
    return document
