"""The kinds of LMSs, as the configuration names them. Pure."""

from typing import Literal, get_args

#: As written in the configuration; :mod:`actors.protocols.lti11.platforms` has what each does.
PlatformName = Literal["default", "canvas", "moodle"]

PROFILE_NAMES: tuple[PlatformName, ...] = get_args(PlatformName)
