"""Nothing in the corpus is missed, dropped in silence, or found where it is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from labelled_project import CORPUS, compare, project_names, read_labels, step_calls


@pytest.mark.parametrize("name", project_names())
def test_what_a_person_found_is_found_and_nothing_else(name: str) -> None:
    assert compare(name).mistakes == []


@pytest.mark.parametrize("name", project_names())
def test_the_labels_speak_of_every_call_that_may_make_a_step(name: str) -> None:
    assert step_calls(name) - read_labels(name).places() == set()


def test_the_corpus_is_large() -> None:
    labels = [read_labels(name) for name in project_names()]
    assert len(labels) >= 25
    assert sum(len(one.workflows) for one in labels) >= 180
    assert sum(one.steps.total() for one in labels) >= 400


def test_a_missing_step_a_false_one_and_a_silent_drop_are_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = CORPUS / "shop_basics" / "shop" / "checkout.py"
    folder = tmp_path / "broken"
    (folder / "shop").mkdir(parents=True)
    text = source.read_text().replace('"charge",', '"charged",', 1).replace('"reserve"', "data.id", 1)
    (folder / "shop" / "checkout.py").write_text(text)
    (folder / "labels.toml").write_bytes((CORPUS / "shop_basics" / "labels.toml").read_bytes())
    monkeypatch.setattr("labelled_project.CORPUS", tmp_path)
    result = compare("broken")
    assert "checkout shop/checkout.py:17 rpc charge payments.charge" in result.missed
    assert "checkout shop/checkout.py:17 rpc charged payments.charge" in result.false
    assert "checkout shop/checkout.py:16 rpc * stock.reserve" in result.false
    assert "workflow returns" in result.silent


def test_the_report_is_a_table_with_a_total() -> None:
    command = [sys.executable, str(CORPUS / "report.py"), "shop_basics", "billing_constants"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].split()[:3] == ["project", "workflows", "literal"]
    assert [line.split()[0] for line in lines[2:4]] == ["shop_basics", "billing_constants"]
    assert next(line for line in lines if line.startswith("total")).split()[4:] == ["0", "0", "0", "0", "0"]
