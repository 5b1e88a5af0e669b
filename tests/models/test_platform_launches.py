"""Launches over LTI 1.3 register, move and unpark as those over LTI 1.1; what they say of their platform is stored."""

import pytest

from models.assignment import GradedAssignment
from models.campus import OutcomeService
from models.consumer import MAX_ISSUER, LtiConsumer, digest
from models.disabling import disable_line_item, disable_link
from models.launch import PlatformLaunch, Registration, RegistrationError
from models.line_item import claim_wanted, line_item_found
from models.moment import Moment
from models.orphaned_claim import OrphanedClaim
from tests.models.launching import CLAIMED, CLEAN, NOW, NOW_US, PARKED, launch, launched, url_of
from tests.models.rows import read_row

ISSUER = "https://campus.example"
ITEM, OTHER_ITEM, CONTAINER = f"{ISSUER}/item/1?t=1", f"{ISSUER}/item/2?t=1", f"{ISSUER}/items?c=3"
PLATFORM = PlatformLaunch(ISSUER, "client")
OVER_13 = Registration("", "learner", "course", "block", "sub", ITEM, NOW_US, lti_user_id="sub", platform=PLATFORM)


def over_13(**changes):
    return {"platform": PlatformLaunch(ISSUER, "client", **changes)}


@pytest.fixture(autouse=True)
async def platform(two_consumers):
    one = await LtiConsumer.create(
        consumer_name="platform", consumer_key="uni", consumer_secret="", issuer=ISSUER, client_id="client"
    )
    await LtiConsumer.create(
        consumer_name="second", consumer_key="second", consumer_secret="", issuer=ISSUER, client_id="other client"
    )
    return one


async def test_a_first_launch_registers_the_learner_in_the_line_item(platform):
    assignment = await launched(OVER_13, resource_link_id="link", offered="a b", **over_13(deployment_id="7"))
    row = await read_row(assignment)
    assert (row["lis_result_sourcedid"], row["sourcedid_digest"], row["lti_user_id"]) == ("sub", digest("sub"), "sub")
    assert (row["version_number"], row["sent_version"], row["due_at"], row["resource_link_id"]) == (1, 0, NOW, "link")
    service = await OutcomeService.get()
    assert (service.lis_outcome_service_url, service.url_digest) == (ITEM, digest(ITEM))
    assert (service.lti_consumer_id, service.offered, service.deployment_id) == (platform.id, "a b", "7")
    assert service.wanted_for is None


async def test_one_learner_has_a_grade_in_each_line_item_and_each_platform():
    first = await launched(OVER_13)
    others = [
        await launched(OVER_13, lis_outcome_service_url=OTHER_ITEM, usage_id="other"),
        await launched(OVER_13, lis_result_sourcedid="another sub", user_id="another"),
        await launched(OVER_13, platform=PlatformLaunch(ISSUER, "other client")),
    ]
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("issuer", "client"), [(ISSUER, "no client"), ("https://no.example", "client"), ("x" * 2_000, "y" * 2_000)]
)
async def test_an_unknown_platform_is_named_with_the_command_that_adds_it(issuer, client):
    with pytest.raises(RegistrationError, match=r"unknown platform, .*`passbackd platform add NAME --issuer ") as error:
        await launch(OVER_13, platform=PlatformLaunch(issuer, client))
    assert issuer[:MAX_ISSUER] in str(error.value)
    assert len(str(error.value)) < 1_500


@pytest.mark.parametrize(("client", "is_known"), [("client", True), ("no client", False)])
async def test_an_issuer_that_differs_in_a_slash_is_named_beside_the_one_that_is_known(client, is_known):
    with pytest.raises(RegistrationError, match="unknown platform") as error:
        await launch(OVER_13, platform=PlatformLaunch(f"{ISSUER}/", client))
    known = f"'platform' has this client id with the issuer {ISSUER!r}, and each letter counts"
    assert (known in str(error.value)) is is_known


async def test_the_key_of_a_platform_is_no_oauth_consumer_key():
    with pytest.raises(RegistrationError, match=r"'uni' is the key of an LTI 1\.3 platform"):
        await launch(consumer_key="uni")


async def test_a_new_line_item_of_the_same_link_replaces_the_old_one():
    assignment = await launched(OVER_13, resource_link_id="link", columns=CLEAN | CLAIMED)
    change = {"resource_link_id": "link", "lis_outcome_service_url": OTHER_ITEM}
    assert await launch(OVER_13, later=1, **change) == ("applied", assignment)
    row = await read_row(assignment)
    assert (await url_of(assignment), row["version_number"], row["forced_version"]) == (OTHER_ITEM, 4, 4)
    (left,) = await OrphanedClaim.all()
    assert (left.url_digest, left.sourcedid_digest) == (digest(ITEM), digest("sub"))
    assert left.in_doubt_until == CLAIMED["claimed_until"]


async def test_a_learner_who_comes_for_another_block_in_the_same_line_item_moves_there():
    assignment = await launched(OVER_13, columns=CLEAN)
    assert await launch(OVER_13, later=1, usage_id="another") == ("applied", assignment)
    assert (await read_row(assignment))["usage_id"] == "another"


async def test_an_identical_repeat_changes_nothing_and_a_newer_one_unparks():
    assignment = await launched(OVER_13, columns=CLEAN)
    assert await launch(OVER_13) == ("unchanged", assignment)
    await GradedAssignment.filter(id=assignment).update(**PARKED)
    assert await launch(OVER_13, later=1_000_000) == ("applied", assignment)
    assert (await read_row(assignment))["parked_at"] is None


async def test_an_older_launch_is_stale_and_says_nothing_of_its_platform():
    await launched(OVER_13, offered="new")
    assert await launch(OVER_13, later=-1, offered="old", **over_13(product_family="canvas")) == ("stale", None)
    assert (await OutcomeService.get()).offered == "new"
    assert (await LtiConsumer.get(consumer_key="uni")).product is None


async def test_newer_launches_say_what_is_offered_now_and_silence_leaves_it():
    await launched(OVER_13, offered="a", **over_13(deployment_id="7"))
    await launch(OVER_13, later=1, offered="a b", **over_13(deployment_id="8"))
    await launch(OVER_13, later=2)
    service = await OutcomeService.get()
    assert (service.offered, service.deployment_id) == ("a b", "8")
    await launch(OVER_13, later=3, offered="")
    assert (await OutcomeService.get()).offered == ""


async def test_an_older_launch_of_another_learner_does_not_overwrite_what_a_newer_one_said_of_the_line_item():
    classmate = {"user_id": "another", "lis_result_sourcedid": "another sub"}
    for later, offered in ((0, "a"), (5, "b"), (9, "b")):
        await launch(OVER_13, later=later, offered=offered, **over_13(deployment_id="8"))
    await launched(OVER_13, later=7, offered="old", **classmate, **over_13(deployment_id="7"))
    service = await OutcomeService.get()
    assert (service.offered, service.deployment_id) == ("b", "8")
    await launch(OVER_13, later=11, **classmate)
    await launch(OVER_13, later=10, offered="newer")
    assert (await OutcomeService.get()).offered == "newer", "a launch that does not say leaves that to others"


async def test_what_an_lms_of_lti_1_1_takes_beside_the_score_is_stored():
    await launched(offered="submitted_at")
    assert (await OutcomeService.get()).offered == "submitted_at"


@pytest.mark.parametrize(
    ("family", "product"),
    [
        ("canvas", "canvas"),
        ("Moodle", "moodle"),
        ("desire2learn", "d2l"),
        ("D2L", "d2l"),
        ("BlackboardLearn", "blackboard"),
        (" sakai ", "sakai"),
        ("openedx", "openedx"),
        ("aplus", "aplus"),
        ("ims-ri", None),
        (None, None),
    ],
)
async def test_the_product_of_a_platform_is_learned_from_a_launch(family, product):
    await launched(OVER_13, **over_13(product_family=family))
    assert (await LtiConsumer.get(consumer_key="uni")).product == product


async def test_what_the_operator_said_of_the_product_stays():
    await LtiConsumer.filter(consumer_key="uni").update(product="sakai")
    await launched(OVER_13, **over_13(product_family="canvas"))
    assert (await LtiConsumer.get(consumer_key="uni")).product == "sakai"


async def test_line_items_alone_make_a_service_of_the_link_that_wants_one():
    container = over_13(is_container=True) | {"lis_outcome_service_url": CONTAINER, "resource_link_title": "Quiz"}
    first = await launched(OVER_13, resource_link_id="link", **container)
    classmate = {"user_id": "another", "lis_result_sourcedid": "another sub"}
    second = await launched(OVER_13, resource_link_id="link", **classmate, **container)
    other = await launched(OVER_13, resource_link_id="other link", **classmate, **container)
    services = [(await read_row(one))["outcome_service_id"] for one in (first, second, other)]
    assert services[0] == services[1] != services[2]
    service = await OutcomeService.get(id=services[0])
    assert service.lis_outcome_service_url == CONTAINER
    assert service.wanted_for == '{"resource_link_id": "link", "resource_id": "block", "label": "Quiz"}'


@pytest.mark.parametrize("name", ["lineitem", "lineitems"])
async def test_a_bad_address_is_refused_by_the_name_of_its_field(name):
    with pytest.raises(RegistrationError, match=f"^{name}: not an absolute"):
        await launch(OVER_13, lis_outcome_service_url="ftp://x", **over_13(is_container=name == "lineitems"))


# --- Disabling ---


async def disable(*, lineitem=ITEM, sub="sub", client="client", later=0):
    moment = Moment(NOW_US + later)
    return await disable_line_item(ISSUER, client, lineitem, sub, moment=moment, now=NOW)


async def test_disabling_stops_one_learner_in_one_line_item_until_a_newer_launch():
    first = await launched(OVER_13, columns=CLEAN)
    other = await launched(OVER_13, lis_outcome_service_url=OTHER_ITEM, usage_id="other")
    assert await disable(later=2) == "applied"
    assert await disable(later=2) == "unchanged"
    assert ((await read_row(first))["disabled_at"], (await read_row(other))["disabled_at"]) == (NOW, None)
    assert await disable(later=1) == "stale"
    assert await launch(OVER_13, later=1) == ("stale", None)
    assert await launch(OVER_13, later=3) == ("applied", first)
    assert (await read_row(first))["disabled_at"] is None


@pytest.mark.parametrize("other", [{"lineitem": OTHER_ITEM}, {"sub": "nobody"}, {"client": "other client"}])
async def test_what_no_launch_registered_cannot_be_disabled(other):
    await launched(OVER_13)
    with pytest.raises(RegistrationError, match="so there is nothing to disable"):
        await disable(**other)


async def test_an_unknown_platform_can_disable_nothing():
    with pytest.raises(RegistrationError, match="unknown platform"):
        await disable(client="no client")


@pytest.mark.parametrize("is_found", [False, True])
async def test_a_link_of_which_the_launch_named_only_the_container_is_disabled_before_and_after_it_is_found(is_found):
    on_container = {"lis_outcome_service_url": CONTAINER, **over_13(is_container=True)}
    first = await launched(OVER_13, resource_link_id="link", **on_container)
    others = [
        await launched(OVER_13, resource_link_id="other link", usage_id="other", **on_container),
        await launched(OVER_13, resource_link_id="link", user_id="b", lis_result_sourcedid="b", **on_container),
    ]
    of_deployment = {"lis_outcome_service_url": f"{CONTAINER}0", **over_13(is_container=True, deployment_id="8")}
    twin = await launched(OVER_13, resource_link_id="link", usage_id="twin", **of_deployment)
    if is_found:
        (wanted, *_) = await claim_wanted(now=NOW, began=0.0, lease_ms=1, most=9, each=9)
        await line_item_found(wanted, ITEM, now=NOW)
    where = ISSUER, "client", CONTAINER

    async def disable(link="link", sub="sub", later=1):
        return await disable_link(*where, link, sub, moment=Moment(NOW_US + later), now=NOW)

    assert [await disable(), await disable(), await disable(later=0)] == ["applied", "unchanged", "stale"]
    # The event names no deployment: that of the other one goes with it.
    assert [(await read_row(one))["disabled_at"] for one in (first, twin, *others)] == [NOW, NOW, None, None]
    for unknown in ({"link": "no link"}, {"sub": "stranger"}):
        with pytest.raises(RegistrationError, match="so there is nothing to disable"):
            await disable(**unknown)
    assert await launch(OVER_13, resource_link_id="link", later=3, **on_container) == ("applied", first)


async def test_a_link_is_disabled_in_the_line_item_that_the_lms_has_refused_since():
    on_container = {"lis_outcome_service_url": CONTAINER, **over_13(is_container=True), "resource_link_id": "link"}
    classmate = {"user_id": "b", "lis_result_sourcedid": "b"}
    stays, comes = await launched(OVER_13, **on_container), await launched(OVER_13, **classmate, **on_container)
    (wanted,) = await claim_wanted(now=NOW, began=0.0, lease_ms=1, most=9, each=9)
    await line_item_found(wanted, ITEM, now=NOW)
    await OutcomeService.filter(lis_outcome_service_url=ITEM).update(refused_at=NOW)
    await launch(OVER_13, later=1_000_000, **classmate, **on_container)
    assert [await url_of(one) for one in (stays, comes)] == [ITEM, CONTAINER]
    (wanted,) = await claim_wanted(now=NOW, began=0.0, lease_ms=1, most=9, each=9)
    await line_item_found(wanted, OTHER_ITEM, now=NOW)
    moment = Moment(NOW_US + 2_000_000)
    with pytest.raises(RegistrationError, match="so there is nothing to disable"):
        await disable_link(ISSUER, "client", f"{CONTAINER}0", "link", "sub", moment=moment, now=NOW)
    assert await disable_link(ISSUER, "client", CONTAINER, "link", "sub", moment=moment, now=NOW) == "applied"
    assert [(await read_row(one))["disabled_at"] for one in (stays, comes)] == [NOW, None]
