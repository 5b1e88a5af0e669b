"""
``python -m tests.documents_are_generated``: fails if a document differs from the code that it is made from.

With ``--write`` it writes them (``make docs``).
"""

import sys
from pathlib import Path

from daemon.config.document import config_toml, key_tables

ROOT = Path(__file__).parents[1]
CONFIG, CONFIGURE = ROOT / "config.toml", ROOT / "docs" / "configure.md"
#: What is generated of a document stands between these.
BEGIN, END = "<!-- what follows is made by `make docs` -->\n", "<!-- what `make docs` makes ends here -->\n"


def with_tables(page: str) -> str:
    """The page with what is generated in it made anew."""
    assert page.count(BEGIN) == page.count(END) == 1, f"{CONFIGURE} has lost the marks of what is generated"
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{key_tables()}\n{END}{after}"


def main() -> str | None:
    wanted = {CONFIG: config_toml(), CONFIGURE: with_tables(CONFIGURE.read_text())}
    stale = [path for path, text in wanted.items() if path.read_text() != text]
    if "--write" in sys.argv:
        for path in stale:
            path.write_text(wanted[path])
    elif stale:
        return f"{', '.join(str(path.relative_to(ROOT)) for path in stale)}: not what the code says. Run `make docs`."
    print("the documents say what the code does")
    return None


if __name__ == "__main__":
    sys.exit(main())
