"""The types of events. Pure, and apart: the settings name them, and load nothing else for it."""

#: What the events are that are taken.
EVENT_TYPES = ("score.changed", "score.cleared", "course.structure", "launch", "assignment.disabled", "user.retired")
#: What an event of any other type is counted as.
UNKNOWN = "unknown"
