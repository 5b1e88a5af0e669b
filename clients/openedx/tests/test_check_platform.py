"""The script that checks a checkout of the platform against what the substitutes claim, on trees that are made up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from check_platform import CONTRACT, differences

CLAIMS: list[dict[str, Any]] = json.loads(CONTRACT.read_text())
SUBSTITUTES = Path(__file__).parent / "platform"


def made_up(folder: Path) -> Path:
    """A tree that is as the contract has it."""
    for claim in CLAIMS:
        path = folder / claim["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        names = claim["names"]
        if claim.get("sends"):
            text = f"{claim['symbol']}.send({', '.join(f'{name}=None' for name in names)})\n"
        elif claim["symbol"].isupper():
            text = f"{claim['symbol']} = Signal()\n"
        elif claim["symbol"].islower():
            text = f"def {claim['symbol']}({', '.join(names)}): pass\n"
        else:
            text = f"class {claim['symbol']}:\n" + "".join(f"    {name} = None\n" for name in names)
        with path.open("a") as file:
            file.write(text)
    return folder


def test_a_tree_that_is_as_claimed_passes(tmp_path: Path) -> None:
    script = [sys.executable, str(CONTRACT.with_name("check_platform.py")), str(made_up(tmp_path))]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    assert done.stdout == "the platform is as the plugin expects it\n"
    (tmp_path / "xmodule/modulestore/django.py").unlink()
    assert subprocess.run(script, check=False, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("lms/djangoapps/grades/signals/handlers.py", "usage_id=", "block_id=", "has no usage_id"),
        ("lms/djangoapps/courseware/models.py", "max_grade =", "maximum =", "StudentModule: has no max_grade"),
        ("lms/djangoapps/lti_provider/signals.py", "score_changed_handler", "handle", "is not defined there"),
        ("lms/djangoapps/lti_provider/tasks.py", "points_earned", "earned", "send_leaf_outcome: has no points_earned"),
    ],
)
def test_what_was_renamed_is_found(tmp_path: Path, file: str, old: str, new: str, says: str) -> None:
    path = made_up(tmp_path) / file
    path.write_text(path.read_text().replace(old, new))
    (found,) = differences(tmp_path, CLAIMS)
    assert found.startswith(f"{file}: ")
    assert says in found


def test_the_substitutes_have_what_the_contract_claims() -> None:
    # Sending is what the tests do in place of the platform, and tasks are objects here.
    claims = [claim for claim in CLAIMS if not claim.get("sends") and (SUBSTITUTES / claim["file"]).is_file()]
    assert len({claim["file"] for claim in claims}) >= 9
    plain = [
        claim for claim in claims if not claim["symbol"].startswith("send_") and "block_structure" not in claim["file"]
    ]
    assert list(differences(SUBSTITUTES, plain)) == []
