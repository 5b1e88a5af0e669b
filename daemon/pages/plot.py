"""Figures over time as bars, in SVG. Pure."""

from datetime import tzinfo

import htpy as h
from htpy import Node

from daemon.infra.text import past
from models.queries.pace import Pace

_WIDTH, _HEIGHT, _FOOT = 720, 120, 20


def plot(title: str, pace: Pace, zone: tzinfo | None) -> Node:
    """The numbers of *pace* as bars, and in words for those who do not see them."""
    most = max(pace.numbers, default=0)
    return h.figure[
        h.figcaption[f"{title}: {sum(pace.numbers)} in all, at most {most} in one."],
        h.svg(role="img", aria_label=_words(title, pace, zone), viewBox=f"0 0 {_WIDTH} {_HEIGHT + _FOOT}")[
            (_bar(place, number, most, len(pace.numbers)) for place, number in enumerate(pace.numbers) if number),
            h.line(".axis", x1="0", y1=str(_HEIGHT), x2=str(_WIDTH), y2=str(_HEIGHT)),
            h.Element("text")(x="0", y=str(_HEIGHT + _FOOT - 4))[past(pace.since, zone)],
            h.Element("text")(x=str(_WIDTH), y=str(_HEIGHT + _FOOT - 4), text_anchor="end")[past(pace.until, zone)],
        ],
    ]


def _bar(place: int, number: int, most: int, bars: int) -> Node:
    width = _WIDTH / bars
    height = max(1.0, number / most * _HEIGHT)
    return h.Element("rect")(
        ".bar",
        x=f"{place * width:.1f}",
        y=f"{_HEIGHT - height:.1f}",
        width=f"{width * 0.8:.1f}",
        height=f"{height:.1f}",
    )


def _words(title: str, pace: Pace, zone: tzinfo | None) -> str:
    if not any(pace.numbers):
        return f"{title}: none."
    most = max(pace.numbers)
    begins = past(pace.since + pace.numbers.index(most) * pace.step, zone)
    return f"{title}: {sum(pace.numbers)} in all, the most, {most}, from {begins}; {pace.numbers[-1]} in the last."
