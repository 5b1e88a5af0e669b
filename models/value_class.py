"""Immutable values that are made for each attempt."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Instance = TypeVar("Instance")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value_class(*, eq: bool = True) -> Callable[[type[Instance]], type[Instance]]:
    """
    A dataclass with slots, which the type checker keeps from being changed.

    Unlike a frozen one it does not check that at run time as well, so that making one takes a third of the time: an
    attempt makes a dozen of them, with some hundred fields. *eq*: whether those with equal fields are equal.
    """

    def decorate(cls: type[Instance]) -> type[Instance]:
        return dataclass(slots=True, eq=eq, unsafe_hash=eq)(cls)

    return decorate
