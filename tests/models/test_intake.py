"""What quarantine keeps of an entry can be read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.intake import QUARANTINE_BYTES, content_of, fields_of


@given(st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=60), max_size=8))
def test_what_is_kept_whole_is_read_as_it_was(entry):
    content, truncated = content_of(entry)
    assert (fields_of(content), truncated) == (entry, False)


@pytest.mark.parametrize("more", [0, 1])
def test_what_does_not_fit_is_cut_off_and_says_so(more):
    content, truncated = content_of({b"a": b"x" * (QUARANTINE_BYTES - 2 + more)})
    assert (len(content), truncated) == (QUARANTINE_BYTES, bool(more))


def test_what_is_kept_reads_like_the_entry():
    assert content_of({b"type": b"launch", b"title": b"two\nlines"})[0] == b"type=launch\ntitle=two\\nlines"
