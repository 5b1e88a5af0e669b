"""Reading launches, and what disables them, over LTI 1.3; and what LMSs of LTI 1.1 say beside the address."""

import pytest

from actors.protocols.address import MAX_URL
from daemon.ingest.events import BadEvent, Launched, LineItemDisabled
from daemon.ingest.parse import read_event
from models.launch import PlatformLaunch, Registration
from models.scopes import LINEITEM_SCOPE, SCORE_SCOPE
from tests.daemon.ingest.reading import DISABLED, LAUNCH, LAUNCH_13, NOW, raw

CONTAINER = "https://campus.example/items?c=3"
ON_CONTAINER = {name: value for name, value in LAUNCH_13.items() if name != "lineitem"} | {"lineitems": CONTAINER}
DISABLED_13 = {name: LAUNCH_13[name] for name in ("issuer", "client_id", "lineitem", "lti_user_id")} | {
    "type": "assignment.disabled"
}


def read(fields, **changes):
    return read_event(f"{NOW}-0", raw(fields | changes), now=NOW)


def reason(fields, **changes):
    with pytest.raises(BadEvent) as caught:
        read(fields, **changes)
    return str(caught.value)


def without(fields, name):
    return {key: value for key, value in fields.items() if key != name}


def test_a_launch_over_lti_1_3_has_the_line_item_for_an_address_and_the_platforms_id_of_the_learner_for_a_sourcedid():
    platform = PlatformLaunch("https://campus.example", "client")
    assert read(LAUNCH_13) == Launched(
        Registration(
            "",
            "u",
            "c",
            "p",
            "sub",
            "https://campus.example/item?t=1",
            NOW * 1000,
            lti_user_id="sub",
            platform=platform,
        )
    )


def test_all_that_a_launch_may_say_is_read():
    launch = read(
        LAUNCH_13,
        deployment_id="7",
        scopes=f" {SCORE_SCOPE}  {LINEITEM_SCOPE} {SCORE_SCOPE}",
        lineitems=CONTAINER,
        resource_link_id="link",
        context_title="Course",
        resource_link_title="Link",
        product_family="moodle",
        oauth_consumer_key="key",
        lti1p1_resource_link_id="old link",
    ).registration
    assert launch.platform == PlatformLaunch(
        "https://campus.example", "client", "7", "moodle", moves_from="key", moved_link_id="old link"
    )
    assert (launch.resource_link_id, launch.context_title, launch.resource_link_title) == ("link", "Course", "Link")
    assert launch.offered == f"{SCORE_SCOPE} {LINEITEM_SCOPE}"
    assert launch.wanted_for is None


@pytest.mark.parametrize("name", ["issuer", "client_id", "lti_user_id", "user_id", "course_id", "usage_id"])
def test_a_launch_that_lacks_a_field_is_refused_by_its_name(name):
    assert reason(without(LAUNCH_13, name)) == f"{name} is absent"
    assert reason(LAUNCH_13, **{name: ""}) == f"{name} is empty"


@pytest.mark.parametrize("name", ["issuer", "client_id", "lti_user_id", "deployment_id", "product_family", "scopes"])
def test_a_launch_with_a_field_that_is_too_long_is_refused_by_its_name(name):
    assert reason(LAUNCH_13, **{name: "x" * 5_000}).startswith(f"{name} is longer than ")


def test_an_address_that_is_none_is_refused_by_its_name():
    assert reason(LAUNCH_13, lineitem="https://x.example/" + "x" * MAX_URL) == "lineitem is longer than 2048 characters"
    assert reason(ON_CONTAINER, lineitems="https://[x/ü") == "lineitems is malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"lineitem": ""},
        {"lineitem": "", "lineitems": CONTAINER, "scopes": SCORE_SCOPE},
        {"lineitem": "", "lineitems": CONTAINER, "scopes": ""},
        {"lineitem": "", "lineitems": CONTAINER, "scopes": LINEITEM_SCOPE + ".readonly"},
    ],
)
def test_a_launch_without_a_line_item_where_none_may_be_made_is_ungraded(changes):
    assert read(LAUNCH_13, **changes) == Launched(None)


@pytest.mark.parametrize("scope", ["score", "scope/score", "purl.imsglobal.org/spec/lti-ags/scope/Score"])
@pytest.mark.parametrize("fields", [LAUNCH_13, ON_CONTAINER])
def test_a_shortened_scope_is_refused_with_the_whole_one(fields, scope):
    assert reason(fields, scopes=f"{LINEITEM_SCOPE} {scope}") == (
        f"scopes holds {scope!r}, which is no whole scope: write {SCORE_SCOPE}, as the launch's endpoint claim does"
    )


@pytest.mark.parametrize(
    ("scopes", "named"),
    [
        ("grades", "grades"),
        (f'["{SCORE_SCOPE}"]', f'["{SCORE_SCOPE}"]'),
        (f"{LINEITEM_SCOPE}, {SCORE_SCOPE}", f"{LINEITEM_SCOPE},"),
        (f"{SCORE_SCOPE},{LINEITEM_SCOPE}", f"{SCORE_SCOPE},{LINEITEM_SCOPE}"),
    ],
)
def test_what_is_no_scope_is_refused_with_what_to_send(scopes, named):
    assert reason(LAUNCH_13, scopes=scopes) == (
        f"scopes holds {named[:64]!r}, which is no whole scope: "
        "send those of the launch's endpoint claim as they are, with a blank between two"
    )


def test_scopes_of_a_platforms_own_are_kept_as_they_are():
    others = f"https://lms.example/scope/Any?x=1 urn:lms:scope:notes {SCORE_SCOPE}"
    assert read(LAUNCH_13, scopes=others).registration.offered == others
    assert read(LAUNCH_13, scopes="").registration.offered == ""


@pytest.mark.parametrize("scopes", [{}, {"scopes": f"{SCORE_SCOPE} {LINEITEM_SCOPE}"}])
def test_a_launch_with_line_items_alone_wants_one_for_its_link(scopes):
    launch = read(ON_CONTAINER, resource_link_id="link", **scopes).registration
    assert (launch.lis_outcome_service_url, launch.url_field) == (CONTAINER, "lineitems")
    assert launch.wanted_for == '{"resource_link_id": "link", "resource_id": "p", "label": "p"}'
    titled = read(ON_CONTAINER, resource_link_title="Übung").registration
    assert titled.wanted_for == '{"resource_link_id": null, "resource_id": "p", "label": "Übung"}'
    places = {read(ON_CONTAINER, **changes).registration.place for changes in ({}, {"usage_id": "q"}, {"user_id": "v"})}
    assert len(places) == 2, "one a link, for all learners"


@pytest.mark.parametrize("name", ["lis_result_sourcedid", "lis_outcome_service_url"])
@pytest.mark.parametrize("key", [{}, {"oauth_consumer_key": "key"}])
def test_a_launch_over_both_versions_at_once_is_refused_unless_it_says_what_moves(name, key):
    assert reason(LAUNCH_13, **{name: LAUNCH[name]}, **key) == (
        f"{name} is of LTI 1.1 and issuer of LTI 1.3: which of the two grades is meant? send an event each"
    )
    moving = {"oauth_consumer_key": "key", "lti1p1_resource_link_id": "link"}
    launch = read(LAUNCH_13, **{name: LAUNCH[name]}, **moving).registration
    assert (launch.platform.moves_from, launch.lis_result_sourcedid) == ("key", "sub")


def test_a_line_item_is_disabled_for_one_learner():
    where = ("https://campus.example", "client", "https://campus.example/item?t=1", "sub")
    assert read(DISABLED_13) == LineItemDisabled(*where, NOW * 1000)


def test_a_link_whose_launch_named_no_line_item_is_disabled_by_its_container():
    of_link = without(DISABLED_13, "lineitem") | {"lineitems": CONTAINER, "resource_link_id": "link"}
    event = read(of_link)
    assert (event.lineitem, event.lineitems, event.resource_link_id) == (None, CONTAINER, "link")
    assert reason(without(of_link, "resource_link_id")) == "resource_link_id is absent"
    assert read(of_link | {"lineitem": "https://campus.example/item?t=1"}) == read(DISABLED_13)


@pytest.mark.parametrize("name", ["issuer", "client_id", "lineitem", "lti_user_id"])
def test_a_disabling_that_lacks_a_field_is_refused_by_its_name(name):
    assert reason(without(DISABLED_13, name)) == f"{name} is absent"


@pytest.mark.parametrize("name", ["oauth_consumer_key", "lis_result_sourcedid"])
def test_a_disabling_over_both_versions_at_once_is_refused(name):
    assert reason(DISABLED_13, **{name: DISABLED[name]}).startswith(f"{name} is of LTI 1.1 and issuer of LTI 1.3")


@pytest.mark.parametrize(
    ("said", "offered"),
    [
        ({}, None),
        ({"submitted_at": "true"}, "submitted_at"),
        ({"submitted_at": "1", "prioritize_non_tool_grade": " True "}, "submitted_at prioritize_non_tool_grade"),
        ({"submitted_at": "false", "prioritize_non_tool_grade": "1"}, "prioritize_non_tool_grade"),
        ({"submitted_at": ""}, ""),
    ],
)
def test_what_an_lms_of_lti_1_1_takes_beside_the_score_is_read(said, offered):
    fields = {f"ext_outcome_submission_{name}_accepted": value for name, value in said.items()}
    assert read(LAUNCH, **fields).registration.offered == offered
