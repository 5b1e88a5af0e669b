"""A verified launch of a graded activity, over either version of LTI: what intake hands to the registration. Pure."""

import json
from dataclasses import dataclass, field
from typing import Literal

from models.moment import Moment, place_of

#: What an event did: changed something, repeated what is stored, or was older than that.
EventResult = Literal["applied", "unchanged", "stale"]


class RegistrationError(ValueError):
    """An event names something that is not stored. The message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class PlatformLaunch:
    """
    What a launch over LTI 1.3 says beside its :class:`Registration`.

    *deployment_id*, *product_family*: None if it does not say. *is_container*: the URL is that of the line items, among
    which the link's is to be found or made. *moves_from*: the consumer key of the LTI 1.1 consumer whose assignment
    moves here, *moved_link_id* its link there, None if it is the same.
    """

    issuer: str
    client_id: str
    deployment_id: str | None = None
    product_family: str | None = None
    is_container: bool = False
    moves_from: str | None = None
    moved_link_id: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """
    A verified launch of a graded activity. *modified_us*: microseconds since 1970.

    *consumer_key*: empty over LTI 1.3, where *platform* names the consumer, the URL is that of the line item, and the
    sourcedid is the platform's id of the learner. *offered*: what it offered, as :class:`models.campus.OutcomeService`
    has it; None: it did not say.
    """

    consumer_key: str
    user_id: str
    course_id: str
    usage_id: str
    lis_result_sourcedid: str
    lis_outcome_service_url: str
    modified_us: int
    resource_link_id: str | None = None
    lti_user_id: str | None = None
    instance_guid: str | None = None
    context_title: str | None = None
    resource_link_title: str | None = None
    offered: str | None = None
    platform: PlatformLaunch | None = None
    #: The launch's stream entry; two launches that differ in it alone are equal.
    entry_id: str | None = field(default=None, compare=False)

    @property
    def moment(self) -> Moment:
        return Moment(self.modified_us, place_of(self.entry_id))

    @property
    def url_field(self) -> str:
        """The event's field in which the URL is."""
        if self.platform is None:
            return "lis_outcome_service_url"
        return "lineitems" if self.platform.is_container else "lineitem"

    @property
    def wanted_for(self) -> str | None:
        """For which link a line item is wanted, as JSON; None where the launch has one, or needs none."""
        if self.platform is None or not self.platform.is_container:
            return None
        label = self.resource_link_title or self.usage_id
        wanted = {"resource_link_id": self.resource_link_id, "resource_id": self.usage_id, "label": label}
        return json.dumps(wanted, ensure_ascii=False)

    @property
    def place(self) -> str:
        """What distinguishes outcome services of one consumer: the URL, and of a container the link too."""
        if self.wanted_for is None:
            return self.lis_outcome_service_url
        link = json.dumps([self.resource_link_id, self.course_id, self.usage_id])
        return f"{self.lis_outcome_service_url}\n{link}"
