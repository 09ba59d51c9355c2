"""Edits reach files whole or not at all, and change nothing else in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pyflow_core.metadata import Diagnostic, Edit, Fix, Span
from pyflow_inspector import InspectorSettings
from pyflow_inspector.fixing import apply_fixes, note_files

if TYPE_CHECKING:
    from pathlib import Path

    from pyflow_inspector.fixing import FixableFile


def _files(root: Path, data: bytes) -> dict[str, FixableFile]:
    (root / "a.py").write_bytes(data)
    return note_files(InspectorSettings(root=root, source=root, name="x"))


def _finding(*edits: tuple[int, int, int, int, str], safe: bool = True, file: str = "a.py") -> Diagnostic:
    spans = [(Span(file, *edit[:4]), edit[4]) for edit in edits]
    fix = Fix("mend it", safe, tuple(Edit(span, text) for span, text in spans))
    return Diagnostic("PF999", "x", "error", "is wrong", file, *edits[0][:4], fix=fix)


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (b"a = 1\n", (1, 5, 1, 6, "2"), b"a = 2\n"),
        (b"a = 1", (1, 6, 1, 6, "2"), b"a = 12"),
        (b"\xef\xbb\xbfa = 1\r\nb = 2\r\n", (2, 5, 2, 6, "3"), b"\xef\xbb\xbfa = 1\r\nb = 3\r\n"),
        (b"a = 1\r\nb = 2\r\n", (2, 1, 2, 1, "x = 0\n"), b"a = 1\r\nx = 0\r\nb = 2\r\n"),
        (b"a = 1\rb = 2", (2, 1, 2, 1, "x = 0\n"), b"a = 1\rx = 0\rb = 2"),
        (b"a = 1\r\nb = 2", (2, 6, 2, 6, "\nc = 3"), b"a = 1\r\nb = 2\r\nc = 3"),
        (b"# coding: latin-1\na='\xe9';b=1\n", (2, 9, 2, 10, "'\u00fc'"), b"# coding: latin-1\na='\xe9';b='\xfc'\n"),
        ("ä = '😀'; b = 1\n".encode(), (1, 14, 1, 15, "'ß'"), "ä = '😀'; b = 'ß'\n".encode()),
        (b"a = 1\n\x0c\nb = '\xe2\x80\xa8'; c = 2\n", (3, 14, 3, 15, "3"), b"a = 1\n\x0c\nb = '\xe2\x80\xa8'; c = 3\n"),
        (b"a = 1\nb = 2\n", (1, 1, 2, 1, ""), b"b = 2\n"),
    ],
)  # fmt: skip
def test_an_edit_changes_nothing_but_its_stretch(
    tmp_path: Path, before: bytes, edit: tuple[int, int, int, int, str], after: bytes
) -> None:
    files = _files(tmp_path, before)
    finding = _finding(edit)
    assert apply_fixes([finding], files) == (finding,)
    assert (tmp_path / "a.py").read_bytes() == after


def test_of_fixes_that_touch_each_other_the_first_is_made(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 123\n")
    first, second, apart = _finding((1, 5, 1, 6, "9")), _finding((1, 6, 1, 7, "8")), _finding((1, 1, 1, 2, "b"))
    assert apply_fixes([first, second, apart], files) == (first, apart)
    assert (tmp_path / "a.py").read_bytes() == b"b = 923\n"


def test_two_findings_may_ask_for_the_same_edit(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 1\n")
    one, other = _finding((1, 5, 1, 6, "2")), _finding((1, 5, 1, 6, "2"))
    assert apply_fixes([one, other], files) == (one, other)
    assert (tmp_path / "a.py").read_bytes() == b"a = 2\n"


def test_a_fix_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 1\nb = 2\n")
    first, second = _finding((1, 5, 1, 6, "9")), _finding((2, 5, 2, 6, "8"), (1, 5, 1, 6, "7"))
    assert apply_fixes([first, second], files) == (first,)
    assert (tmp_path / "a.py").read_bytes() == b"a = 9\nb = 2\n"


def test_unsafe_fixes_are_made_only_when_they_are_asked_for(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 1\n")
    finding = _finding((1, 5, 1, 6, "2"), safe=False)
    assert apply_fixes([finding], files) == ()
    assert apply_fixes([finding], files, unsafe=True) == (finding,)


def test_a_file_that_changed_since_it_was_noted_is_left_alone(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 1\n")
    (tmp_path / "a.py").write_bytes(b"a = 3\n")
    assert apply_fixes([_finding((1, 5, 1, 6, "2"))], files) == ()
    assert (tmp_path / "a.py").read_bytes() == b"a = 3\n"


@pytest.mark.parametrize(
    "finding",
    [
        _finding((1, 5, 1, 6, "(")),  # what comes out is no Python
        _finding((9, 1, 9, 2, "2")),
        _finding((1, 90, 1, 91, "2")),
        _finding((1, 6, 1, 5, "2")),
        _finding((1, 5, 1, 6, "2"), file="other.py"),
        _finding((1, 5, 1, 6, "1")),  # nothing changes
    ],
)
def test_a_fix_that_does_not_fit_changes_nothing(tmp_path: Path, finding: Diagnostic) -> None:
    files = _files(tmp_path, b"a = 1\n")
    assert apply_fixes([finding], files) == ()
    assert (tmp_path / "a.py").read_bytes() == b"a = 1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def test_a_text_that_its_encoding_cannot_hold_is_not_written(tmp_path: Path) -> None:
    files = _files(tmp_path, b"# coding: latin-1\na = 1\n")
    assert apply_fixes([_finding((2, 5, 2, 6, "'\u20ac'"))], files) == ()
    assert (tmp_path / "a.py").read_bytes() == b"# coding: latin-1\na = 1\n"


def test_links_and_modes_stay_as_they_are(tmp_path: Path) -> None:
    real = tmp_path / "kept" / "real.txt"
    real.parent.mkdir()
    real.write_bytes(b"a = 1\n")
    real.chmod(0o750)
    (tmp_path / "a.py").symlink_to(real)
    files = note_files(InspectorSettings(root=tmp_path, source=tmp_path, name="x"))
    assert apply_fixes([_finding((1, 5, 1, 6, "2"))], files)
    assert (tmp_path / "a.py").is_symlink() and real.read_bytes() == b"a = 2\n"
    assert real.stat().st_mode & 0o777 == 0o750


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_folder_that_cannot_be_written_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    files = _files(tmp_path, b"a = 1\n")
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            apply_fixes([_finding((1, 5, 1, 6, "2"))], files)
    finally:
        tmp_path.chmod(0o700)
    assert (tmp_path / "a.py").read_bytes() == b"a = 1\n"


def test_a_failed_write_leaves_the_file_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path as RealPath

    files = _files(tmp_path, b"a = 1\n")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RealPath, "replace", full)
    with pytest.raises(OSError, match="No space"):
        apply_fixes([_finding((1, 5, 1, 6, "2"))], files)
    assert (tmp_path / "a.py").read_bytes() == b"a = 1\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]
