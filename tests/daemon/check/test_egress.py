"""What a check says of settings that open less than they seem to."""

import pytest

from daemon.check.egress import check_egress, check_names
from daemon.config.sections import EgressSection


@pytest.mark.parametrize(
    ("networks", "closed"),
    [
        ((), None),
        (("10.0.0.0/8", "127.0.0.0/8", "::1/128", "192.168.1.0/24"), None),
        (("169.254.0.0/16",), "169.254.0.0/16 does not open 169.254.169.254, 169.254.170.2, 169.254.170.23, which"),
        (("126.0.0.0/7",), "126.0.0.0/7 does not open 127.0.0.0/8, which"),
        (("126.0.0.0/7", "127.0.0.0/8"), None),
        (("100.64.0.0/10",), "100.64.0.0/10 does not open 100.100.100.200, which"),
    ],
)
@pytest.mark.parametrize("key", [None, "example"])
def test_a_network_that_holds_this_machine_or_a_metadata_service_is_named_with_what_it_does_not_open(
    networks, closed, key
):
    allowed = {"allow_networks": networks}
    section = EgressSection.model_validate(allowed if key is None else {"campuses": {key: allowed}})
    found = check_egress(section)
    if closed is None:
        assert found == []
        return
    (finding,) = found
    name = "egress.allow_networks" if key is None else f"egress.campuses.{key}.allow_networks"
    assert (finding.severity, finding.about) == ("warning", name)
    assert finding.line().startswith(f"{name}: {closed}")


def test_rules_for_a_key_that_no_consumer_has_are_named():
    section = EgressSection.model_validate({"campuses": {"example": {}, "exmaple": {}}})
    (finding,) = check_names(section, {"example", "another"})
    assert (finding.severity, finding.about) == ("warning", "egress.campuses.exmaple")
    assert "no consumer has this key" in finding.line()
