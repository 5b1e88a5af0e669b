"""The check finds the words in every place where they may be written, and nothing that only looks like them."""

import pytest

from tests.checks.plain_words import EXCLUDED, files, uses


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('"""What somebody was told."""', ["told", "somebody"]),
        ("# Nobody reads it", ["Nobody"]),
        ("def walk_tree(): ...", ["walk"]),
        ("class WalkError(Exception): ...", ["Walk"]),
        ("HTTPGate = 1", ["Gate"]),
        ('log.info("it stands there")', ["stands"]),
        ("MOST_EVENTS = 3", ["MOST"]),
        ("what it has in hand", ["in hand"]),
        ("in_hand = 1", ["in hand"]),
        ("test_a_daemon_mends_what_it_unsealed", ["mends", "unsealed"]),
    ],
)
def test_a_word_is_found_in_names_strings_and_comments(line, word):
    assert sorted(use.word for use in uses("a.py", line)) == sorted(word)


@pytest.mark.parametrize(
    "line",
    [
        "for path in os.walk(top): ...",
        "for node in ast.walk(tree): ...",
        "fields.ForeignKeyField(...)",
        "PRAGMA foreign_keys = ON",
        "the standard gateway investigates untold understanding",
        "at most three",
    ],
)
def test_other_words_and_technical_meanings_are_left_alone(line):
    assert list(uses("a.py", line)) == []


def test_a_finding_names_file_line_word_and_what_to_write():
    (use,) = uses("docs/a.md", "one\ntwo verdicts\n")
    assert str(use) == "docs/a.md:2: verdicts: write resolution, classification"


def test_python_and_documents_are_read_and_published_migrations_are_not(tmp_path):
    wanted = ["README.md", "actors/a.py", "benchmarks/b.py", "deploy/install.sh", "docs/decisions/0001-one.md"]
    for name in (*wanted, "actors/note.md", "models/migrations/0001_initial.py", "elsewhere/c.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(path.relative_to(tmp_path).as_posix() for path in files(tmp_path)) == wanted
    assert EXCLUDED.fullmatch("tests/checks/plain_words.py")
