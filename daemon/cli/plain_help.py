"""Help that names what an option takes, in place of Python's types, and leaves out what says nothing."""

from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

#: What the help calls the value of an option of that name, where the option does not say it itself.
METAVARS = {
    "assignment": "ID",
    "consumer": "KEY",
    "course": "ID",
    "guid": "GUID",
    "key": "KEY",
    "lti_user": "ID",
    "since": "WHEN",
    "sourcedid": "SOURCEDID",
    "type_": "TYPE",
    "usage": "ID",
    "user": "ID",
}


def make_plain(parameters: list[Any]) -> list[Any]:
    """The same parameters of a command."""
    for parameter in parameters:
        if isinstance(parameter, TyperArgument):
            parameter.display_type_rich = _nothing  # type: ignore[method-assign] # no other way to leave it out
        elif isinstance(parameter, TyperOption):
            _name_value(parameter)
        parameter._get_number_range_help_str = _nothing  # noqa: SLF001 - as above
    return parameters


def _nothing(*_: object, **__: object) -> None:
    return None


def _name_value(option: TyperOption) -> None:
    if option.is_flag:
        option.metavar = ""
    elif option.metavar is None:
        option.metavar = METAVARS.get(option.name or "")


class PlainCommand(TyperCommand):
    """A command with such a help."""

    def get_params(self, ctx: Any) -> list[Any]:
        return make_plain(super().get_params(ctx))


class PlainGroup(TyperGroup):
    """A group with such a help."""

    def get_params(self, ctx: Any) -> list[Any]:
        return make_plain(super().get_params(ctx))
