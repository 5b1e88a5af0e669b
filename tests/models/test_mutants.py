"""The faults that are planted on purpose still fit the code, and the tests that find them exist."""

import pytest

from tests import seed_mutants
from tests.models import mutants

MUTANTS = [*mutants.MUTANTS, *seed_mutants.MUTANTS]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_place_of_each_planted_fault_is_in_the_code_exactly_once(mutant):
    code = (mutants.ROOT / mutant.file).read_text()
    for old, new in ((mutant.old, mutant.new), *mutant.more):
        assert code.count(old) == 1
        assert new != old


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if "::" in one.tests], ids=lambda mutant: mutant.name)
def test_the_test_that_finds_each_planted_fault_exists(mutant):
    file, _, name = mutant.tests.partition("::")
    assert f"def {name}(" in (mutants.ROOT / file).read_text()


@pytest.mark.parametrize("file", sorted({one.tests for one in MUTANTS if "::" not in one.tests}))
def test_the_file_of_the_tests_that_find_planted_faults_exists(file):
    assert (mutants.ROOT / file).is_file()
