"""Tables and bars of what was measured, for the terminal and for ``docs/performance.md``."""

import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from rich.console import Console
from rich.table import Table

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"

_BAR, _ROW, _LEFT, _WIDTH = 20, 30, 330, 760


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, one figure a round."""

    name: str
    figures: list[float]

    @property
    def median(self) -> float:
        return statistics.median(self.figures)


def publish(key: str, title: str, rows: list[Row], *, unit: str, of: str, write: bool) -> None:
    """
    Print the rows, with medians as shares of the first one's.

    Args:
        key: Of the place in the page, between ``<!-- key -->`` and ``<!-- /key -->``, and the plot's file name.
        of: What the first row is called there.
        write: Whether to write page and plot.
    """
    table = Table(title=f"{title}, {time.strftime('%Y-%m-%d')}")
    for name in ("what", unit, "median", of):
        table.add_column(name, justify="left" if name == "what" else "right")
    lines = [f"| | {unit}, a round each | median | {of} |", "|---|---|---:|---:|"]
    for row in rows:
        cells = [row.name, " ".join(_short(one) for one in row.figures), _short(row.median)]
        cells.append(f"{row.median / rows[0].median:.2f}")
        table.add_row(*cells)
        lines.append(f"| {' | '.join(cells)} |")
    Console().print(table)
    if write:
        lines += ["", f"![{title}]({key}.svg)"]
        _write(key, f"{title}; {time.strftime('%Y-%m-%d')}.\n\n" + "\n".join(lines))
        (DOCS / f"{key}.svg").write_text(bars(title, rows))


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"


def _write(key: str, text: str) -> None:
    page = PAGE.read_text()
    begin, end = f"<!-- {key} -->", f"<!-- /{key} -->"
    if begin not in page:
        raise ValueError(f"{PAGE.name} has no place for {key}: add {begin} and {end}")
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL))


def bars(title: str, rows: list[Row]) -> str:
    """The medians as an SVG, each with a line from its least to its greatest figure."""
    most = max(max(row.figures) for row in rows)
    height = _ROW * (len(rows) + 1) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}">',
        "<style>text { font: 13px sans-serif }</style>",
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>',
    ]
    for number, row in enumerate(rows, start=1):
        top, scale = _ROW * number + 5, (_WIDTH - _LEFT - 80) / most
        least, greatest = _LEFT + scale * min(row.figures), _LEFT + scale * max(row.figures)
        parts += [
            f'<text x="{_LEFT - 10}" y="{top + 15}" text-anchor="end">{escape(row.name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{scale * row.median:.0f}" height="{_BAR}" fill="#4878a8"/>',
            f'<path d="M{least:.0f} {top + 10}H{greatest:.0f}" stroke="#222" stroke-width="2"/>',
            f'<text x="{greatest + 8:.0f}" y="{top + 15}">{_short(row.median)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
