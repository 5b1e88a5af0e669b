"""The faults that are planted on purpose still fit the code."""

import pytest

from tests.models.mutants import MUTANTS, ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_place_of_each_planted_fault_is_in_the_code_exactly_once(mutant):
    code = (ROOT / mutant.file).read_text()
    for old, new in ((mutant.old, mutant.new), *mutant.more):
        assert code.count(old) == 1
        assert new != old
