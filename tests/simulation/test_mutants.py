"""The deliberate faults fit the product as it is; `make mutants` shows that each is found."""

from pathlib import Path

import pytest

from tests.simulation.mutants.__main__ import broken
from tests.simulation.mutants.faults import MUTANTS
from tests.simulation.mutants.mutant import Edit, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one.name for one in MUTANTS])
def test_a_mutant_replaces_texts_that_stand_in_the_product_once(mutant: Mutant) -> None:
    project = Path(__file__).resolve().parents[2]

    for edit in mutant.edits:
        assert (project / edit.path).read_text(encoding="utf-8").count(edit.old) == 1
        assert edit.new != edit.old


def test_a_mutant_is_a_copy_with_its_edits_that_leaves_the_product_alone() -> None:
    path = Path(__file__).resolve().parents[2] / "shared" / "errors.py"
    before = path.read_text(encoding="utf-8")
    mutant = Mutant("other words", (Edit("shared/errors.py", "class Rejected", "class Refused"),))

    with broken(mutant) as place:
        assert "class Refused" in (place / "shared" / "errors.py").read_text(encoding="utf-8")
        assert path.read_text(encoding="utf-8") == before
    assert not place.exists()


def test_a_mutant_whose_text_is_gone_is_an_error() -> None:
    mutant = Mutant("stale", (Edit("shared/errors.py", "no such text", "another"),))

    with pytest.raises(ValueError, match="stands there 0 times"), broken(mutant):
        pass
