"""Values of fields as tools may hand them in, right and wrong, and the events that the client makes of them."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

import passbackd_client as client

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ZONES = st.builds(timezone, st.timedeltas(timedelta(hours=-23), timedelta(hours=23)))
NOW = datetime.now(UTC).replace(tzinfo=None)

#: Every character that is one; those of most examples are short.
IDS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.sampled_from(["a" * 255, "😀" * 255, " ", "\n"]),
)
#: Of every type that a field might get by mistake, and texts that some fields take.
WRONG = st.sampled_from(["", "a\0b", "\ud800", "é" * 256, "é" * 1025, "s" * 8193, None, 7, 1.5, b"x", ["x"]])
POINTS = st.one_of(st.floats(0, 1e12), st.integers(0, 10**12), st.sampled_from([0, -0.0, 1e12, 5e-324, 1e-7]))
WRONG_POINTS = st.one_of(
    st.sampled_from([float("nan"), float("inf"), -float("inf"), True, None, "1", 10**400, 1e13, -1]), st.floats()
)
MOMENTS = st.one_of(
    st.datetimes(NOW - timedelta(days=700_000), NOW - timedelta(days=1), timezones=ZONES),
    st.just(datetime(1900, 1, 1, tzinfo=timezone(timedelta(minutes=53, seconds=28)))),
)
WRONG_MOMENTS = st.one_of(
    st.datetimes(max_value=NOW + timedelta(days=400), timezones=st.one_of(st.none(), ZONES)),
    st.just(datetime.min.replace(tzinfo=timezone(timedelta(hours=5)))),
    WRONG,
)
URLS = st.one_of(
    st.builds(
        "{}://{}/{}".format,
        st.sampled_from(["https", "http"]),
        st.sampled_from(["lms.example", "бюро.example", "[2a00:1450::1]:8443", "8.8.8.8", "LMS.Example:80"]),
        st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=9),
    ),
    st.sampled_from(["https://lms.example/ ", "http://lms/o?a=[1]", "https://lms.example/" + "a" * 2028]),
)
WRONG_URLS = st.one_of(
    st.sampled_from(["ftp://lms/", "https://", "lms.example/o", "https://u@lms/o", "  ", "https://lms.example:99999/"]),
    st.sampled_from(["https://[lms/", "https://a\u200db.example/", "https://\u2102.example/", "https://\xb8/"]),
    st.text(max_size=12).map("https://".__add__),
    st.just("https://lms.example/" + "a" * 2029),
    WRONG,
)
SCOPES = st.one_of(
    st.none(),
    st.lists(st.sampled_from([f"{AGS}score", f"{AGS}lineitem", f"{AGS}result.readonly", "urn:own"]), max_size=4),
)
WRONG_SCOPES = st.one_of(
    st.lists(
        st.sampled_from(["score", "a,b:c", 'x:"', "", f"{AGS}score {AGS}lineitem", "x:" + "y" * 4000]), max_size=3
    ),
    WRONG,
)


@st.composite
def trees(draw):
    """The blocks of a tree, as dictionaries, in any order."""
    names = draw(st.lists(IDS, min_size=1, max_size=8, unique=True))
    blocks = [
        {"usage_id": name, "parent": draw(st.sampled_from(names[:at])) if at else None} for at, name in enumerate(names)
    ]
    for block in blocks:
        if draw(st.booleans()):
            block["points_possible"] = draw(POINTS)
    return draw(st.permutations(blocks))


@st.composite
def wrong_trees(draw):
    """A cycle, a second root, a missing parent, a block twice, no points; or still a tree."""
    blocks = [dict(block) for block in draw(trees())]
    names = [block["usage_id"] for block in blocks]
    one = draw(st.sampled_from(blocks))
    one[draw(st.sampled_from(["parent", "usage_id"]))] = draw(st.sampled_from([*names, None, "missing", "", 7]))
    one["points_possible"] = draw(WRONG_POINTS)
    return draw(st.sampled_from([blocks, blocks * 2, []]))


def maybe(field):
    """A field that may be absent."""
    right, wrong = field
    return st.one_of(st.none(), right), wrong


#: What is right, and what may be wrong.
ID, DETAIL, URL = (IDS, WRONG), (st.one_of(st.none(), st.just(""), IDS), WRONG), (URLS, WRONG_URLS)
EARNED, MODIFIED = (st.one_of(POINTS, st.floats(-1e12, 0)), WRONG_POINTS), (MOMENTS, WRONG_MOMENTS)
WHERE = {"user_id": ID, "course_id": ID, "usage_id": ID}
TITLES = {"resource_link_id": DETAIL, "context_title": DETAIL, "resource_link_title": DETAIL}
PLATFORM = {"issuer": ID, "client_id": ID, "lti_user_id": ID}
LINE_ITEMS = {"lineitem": maybe(URL), "lineitems": maybe(URL)}
CANVAS = "ext_outcome_submission_submitted_at_accepted", "ext_outcome_submission_prioritize_non_tool_grade_accepted"
SOURCEDID = st.one_of(IDS, st.just("s" * 8192)), WRONG
#: The fields of each class, beside ``modified``.
FIELDS = {
    client.ScoreChanged: {**WHERE, "points_earned": EARNED, "points_possible": (POINTS, WRONG_POINTS)},
    client.ScoreCleared: WHERE,
    client.CourseStructure: {
        "course_id": ID,
        "version": (st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**63, "1", True, 1.0, None])),
        "blocks": (trees(), wrong_trees()),
        "user_id": maybe(ID),
    },
    client.LaunchLti11: {
        **WHERE,
        **TITLES,
        "oauth_consumer_key": ID,
        "lis_result_sourcedid": SOURCEDID,
        "lis_outcome_service_url": URL,
        "lti_user_id": DETAIL,
        "tool_consumer_instance_guid": DETAIL,
        **dict.fromkeys(CANVAS, (st.sampled_from([None, "true", "0", ""]), WRONG)),
    },
    client.LaunchLti13: {
        **WHERE,
        **TITLES,
        **PLATFORM,
        **LINE_ITEMS,
        "scopes": (SCOPES, WRONG_SCOPES),
        "deployment_id": DETAIL,
        "product_family": DETAIL,
        "oauth_consumer_key": DETAIL,
        "lti1p1_resource_link_id": DETAIL,
    },
    client.AssignmentDisabledLti11: {"oauth_consumer_key": ID, "lis_result_sourcedid": SOURCEDID},
    client.AssignmentDisabledLti13: {**PLATFORM, **LINE_ITEMS, "resource_link_id": maybe(ID)},
    client.UserRetired: {"user_id": ID},
}


@st.composite
def handed_in(draw, classes=tuple(FIELDS)):
    """A class, and what is handed in to it: half of the time right, else with a field or two that may be wrong."""
    made = draw(st.sampled_from(classes))
    fields = {**FIELDS[made], "modified": MODIFIED}
    wrong = draw(st.one_of(st.just(set()), st.sets(st.sampled_from(sorted(fields)), min_size=1, max_size=2)))
    return made, {name: draw(choice[name in wrong]) for name, choice in fields.items()}


def make(made, given):
    """The event; *blocks* are handed in as dictionaries. :raises InvalidEventError: if it cannot be made."""
    if made is client.CourseStructure:
        return made(**{**given, "blocks": [client.Block(**block) for block in given["blocks"]]})
    return made(**given)


def microseconds(moment):
    return None if moment is None else (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
