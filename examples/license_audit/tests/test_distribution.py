from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from importlib.metadata import PackageNotFoundError, PathDistribution
from typing import TYPE_CHECKING

import pytest

from audit_app.distribution import find_installed, measure, normalised, open_distribution, read_declared

if TYPE_CHECKING:
    from pathlib import Path

METADATA = """Metadata-Version: 2.4
Name: Frob.Nicator
Version: 1.0
License: UNKNOWN
License-Expression: MIT
Classifier: Topic :: Utilities
Classifier: License :: OSI Approved :: MIT License
"""


def install(site: Path, files: dict[str, bytes], *, metadata: str = METADATA) -> PathDistribution:
    """A wheel, as an installer leaves it in `site`."""
    everything = {"frob-1.0.dist-info/METADATA": metadata.encode(), **files}
    record: list[str] = []
    for name, content in everything.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_bytes(content)
        digest = urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(content)}")
    folder = site / "frob-1.0.dist-info"
    (folder / "RECORD").write_text("\n".join([*record, "frob-1.0.dist-info/RECORD,,"]))
    return PathDistribution(folder)


def never() -> bool:
    return False


def test_every_byte_is_read_and_compared(tmp_path: Path) -> None:
    frob = install(tmp_path, {"frob.py": b"print()\n", "frob/data.bin": b"\0" * 2_000_000})
    measured = measure(frob, never)
    assert (measured.files, measured.missing, measured.altered) == (4, 0, [])
    assert measured.bytes > 2_000_000
    assert measured.sha256 == measure(frob, never).sha256


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    frob = install(tmp_path, {"frob.py": b"print()\n"})
    before = measure(frob, never).sha256
    (tmp_path / "frob.py").write_bytes(b"import os\n")
    measured = measure(frob, never)
    assert measured.altered == ["frob.py"]
    assert measured.sha256 != before


def test_a_missing_file_is_counted(tmp_path: Path) -> None:
    frob = install(tmp_path, {"frob.py": b"print()\n"})
    (tmp_path / "frob.py").unlink()
    assert measure(frob, never).missing == 1


def test_reading_stops_when_nobody_waits_for_it(tmp_path: Path) -> None:
    frob = install(tmp_path, {"frob.py": b"print()\n"})
    assert measure(frob, lambda: True).files == 0


def test_spdx_headers_are_collected_from_sources_only(tmp_path: Path) -> None:
    header = b"# SPDX-License-Identifier: GPL-2.0-only\n"
    frob = install(tmp_path, {"frob.py": header, "frob.txt": header.replace(b"GPL-2.0-only", b"MIT")})
    assert measure(frob, never).headers == ["GPL-2.0-only"]


def test_metadata_and_license_files_are_read(tmp_path: Path) -> None:
    frob = install(
        tmp_path,
        {
            "frob-1.0.dist-info/licenses/LICENSE": b"mine",
            "frob-1.0.dist-info/licenses/vendor/LICENSE": b"theirs",
            "frob/LICENSE": b"of the package's data",
        },
    )
    declared = read_declared(frob, [])
    assert (declared.expression, declared.license_field) == ("MIT", None)
    assert "License :: OSI Approved :: MIT License" in declared.classifiers
    assert declared.texts == {"LICENSE": "mine"}
    assert declared.bundled == {"vendor/LICENSE": "theirs"}


def test_a_distribution_without_record_is_read_all_the_same(tmp_path: Path) -> None:
    frob = install(tmp_path, {})
    (tmp_path / "frob-1.0.dist-info" / "RECORD").unlink()
    assert measure(frob, never).files == 0
    assert read_declared(frob, []).expression == "MIT"


def test_this_environment_can_be_listed() -> None:
    found, _ = find_installed()
    names = [item.name for item in found]
    assert names == sorted(set(names))
    assert "pydantic" in names
    assert open_distribution("pydantic").version == next(item.version for item in found if item.name == "pydantic")


def test_a_distribution_that_is_gone_is_named() -> None:
    with pytest.raises(PackageNotFoundError, match="no-such-thing"):
        open_distribution("no-such-thing")


def test_names_are_compared_as_indexes_do() -> None:
    assert normalised("Frob_.Nicator") == "frob-nicator"
