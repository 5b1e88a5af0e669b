"""
What the plugin does when the platform says that something happened; each receiver is guarded.

The keyword arguments are the platform's; those that only some senders of a signal pass are read with ``get``.
"""

from datetime import datetime
from typing import Any

from django.utils import timezone

from openedx_passbackd import events, handover, own_trees, structures
from openedx_passbackd.assignments import as_launch, assignments, lti_users
from openedx_passbackd.guard import guarded
from openedx_passbackd.keys import block_of, course_of
from openedx_passbackd.marks import mark_published
from openedx_passbackd.platform_names import find
from openedx_passbackd.publisher import after_commit, publish_after_commit, publisher
from openedx_passbackd.sourcedids import long_sourcedids


def _consumers(user_id: int, course_key: Any) -> list[str]:
    """The keys of the campuses that expect grades of that learner in that course; none for most learners."""
    assignments = find("GradedAssignment").objects.filter(user_id=user_id, course_key=course_key)
    return list(assignments.values_list("outcome_service__lti_consumer__consumer_key", flat=True).distinct())


def _is_graded(user_id: int, course_key: Any) -> bool:
    return find("GradedAssignment").objects.filter(user_id=user_id, course_key=course_key).exists()


@guarded
def score_changed(sender: Any, **kwargs: Any) -> None:
    """A learner's score was stored, or taken back."""
    course_key = course_of(kwargs["course_id"])
    if course_key is None or not _is_graded(kwargs["user_id"], course_key):
        return
    ids: dict[str, Any] = {
        "user_id": kwargs["user_id"],
        "course_id": str(course_key),
        "usage_id": str(block_of(kwargs["usage_id"], course_key)),
    }
    modified: datetime = kwargs.get("modified") or timezone.now()
    if kwargs.get("score_deleted"):
        # Some paths of the platform label local time as UTC, which may be hours ago, and the event would be stale.
        publish_after_commit(events.score_cleared(**ids, modified=max(modified, timezone.now())))
        return
    publish_after_commit(
        events.score_changed(
            **ids, earned=kwargs["weighted_earned"], possible=kwargs["weighted_possible"], modified=modified
        )
    )


@guarded
def others_as_before(sender: Any, **kwargs: Any) -> None:
    """Where the platform's handler is out, serve as it did the campuses that passbackd does not serve yet."""
    if not handover.taken_over():
        return
    course_key = course_of(kwargs["course_id"])
    if course_key is None:
        return
    user_id = kwargs["user_id"]
    if not all(map(handover.is_passbackds, _consumers(user_id, course_key))):
        handover.send_as_before(user_id, course_key, block_of(kwargs["usage_id"], course_key), kwargs)


@guarded
def learner_tree_changed(sender: Any, **kwargs: Any) -> None:
    """A worker of the platform has read this learner's own tree; sent if it holds other problems than the course's."""
    course_key = course_of(kwargs["course"].id)
    user_id = kwargs["user"].id
    version = own_trees.version_now()
    if course_key is None or not _is_graded(user_id, course_key):
        return
    course = structures.collected(course_key)
    tree = own_trees.own_tree(user_id, course_key, kwargs["course_structure"], course, version)
    stream = publisher()
    stream.run(lambda client: own_trees.send(client, stream.stream, tree), what="tree")


@guarded
def launched(sender: Any, **kwargs: Any) -> None:
    """A campus launched something, and the platform has verified it."""
    data = kwargs["launch_data"]
    extra = data.launch_params.extra_params
    sourcedid, url = extra.get("lis_result_sourcedid"), extra.get("lis_outcome_service_url")
    course_key = course_of(data.course_key)
    if not sourcedid or not url or course_key is None:
        return
    # The launch's own consumer key is not in the event, but the platform has stored the URL, which is unique.
    service = find("OutcomeService").objects.select_related("lti_consumer").get(lis_outcome_service_url=url)
    metadata = kwargs.get("metadata")
    publish_after_commit(
        events.launch(
            consumer_key=service.lti_consumer.consumer_key,
            user_id=data.user.id,
            course_id=str(course_key),
            usage_id=str(block_of(data.usage_key, course_key)),
            sourcedid=sourcedid,
            outcome_url=url,
            modified=metadata.time if metadata else timezone.now(),
            lti_user_id=data.launch_params.user_id,
            resource_link_id=extra.get("resource_link_id"),
            resource_link_title=extra.get("resource_link_title"),
            context_title=extra.get("context_title"),
            tool_consumer_instance_guid=extra.get("tool_consumer_instance_guid"),
        )
    )


@guarded
def assignment_created(sender: Any, **kwargs: Any) -> None:
    """A new address for grades: all that is seen of a launch where the platform sends no event of it."""
    if not kwargs["created"] or kwargs.get("raw") or find("LTI_PROVIDER_LAUNCH_SUCCESS") is not None:
        return
    row, modified = kwargs["instance"].pk, timezone.now()

    @guarded
    def assignment_committed(sender: Any) -> None:
        for page in assignments(pk=row):
            if event := as_launch(page[0], lti_users(page), modified):
                publisher().publish([event])

    # What else belongs to it is stored after it.
    after_commit(lambda: assignment_committed(sender))


@guarded
def assignment_deleted(sender: Any, **kwargs: Any) -> None:
    """The platform is about to forget an address to which grades went."""
    assignment = kwargs["instance"]
    publish_after_commit(
        events.assignment_disabled(
            consumer_key=assignment.outcome_service.lti_consumer.consumer_key,
            sourcedid=long_sourcedids([assignment.pk]).get(assignment.pk, assignment.lis_result_sourcedid),
            modified=timezone.now(),
        )
    )


@guarded
def retired(sender: Any, **kwargs: Any) -> None:
    """A learner asked for the deletion of everything."""
    publish_after_commit(events.user_retired(kwargs["user"].id))


@guarded
def course_published(sender: Any, **kwargs: Any) -> None:
    """The CMS published a course; the relay, which has the LMS's view of it, sends its structure."""
    course_key = course_of(kwargs["course_key"])
    if course_key is not None:
        mark_published(publisher(), str(course_key))
