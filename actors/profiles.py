"""The kinds of LMSs, as the configuration names them. Pure."""

from typing import Literal, get_args

#: As written in the configuration; the ``platforms`` module of each version of LTI has what each does.
PlatformName = Literal["default", "canvas", "moodle", "openedx", "aplus", "sakai", "d2l", "blackboard"]

PROFILE_NAMES: tuple[PlatformName, ...] = get_args(PlatformName)
