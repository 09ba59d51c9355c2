"""What users get: the wheel, installed into an empty environment away from the repository, without a network.

The dependencies are copied from the environment that runs the tests, and only those that the wheel asks for.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTION = "pyflow-workflows"


LEFT_OUT = {"examples", "tests", "website", "dist", "build", "license_audit_report"}


def build_wheel(folder: Path) -> Path:
    """The wheel, built from a copy without what the build does not need, so that it writes nothing into the tree."""
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=_left_out)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(source)]
    subprocess.run(build, check=True, capture_output=True, text=True)
    return next(folder.glob("*.whl"))


def _left_out(folder: str, names: list[str]) -> set[str]:
    top = Path(folder) == ROOT
    return {name for name in names if name == "__pycache__" or (top and (name in LEFT_OUT or name.startswith(".")))}


def requirements(name: str) -> set[str]:
    """The distributions that `name` needs here, itself not among them."""
    needed: set[str] = set()
    waiting = [name]
    while waiting:
        try:
            asked = distribution(waiting.pop()).requires or []
        except PackageNotFoundError:
            continue
        for text in asked:
            requirement = Requirement(text)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            found = canonicalize_name(requirement.name)
            if applies and found not in needed:
                needed.add(found)
                waiting.append(found)
    return needed


def copy_distributions(names: set[str], target: Path) -> None:
    for name in names:
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform or Python
        for entry in found.files or []:
            source = Path(str(found.locate_file(entry)))
            if ".." not in entry.parts and "__pycache__" not in entry.parts and source.is_file():
                (target / entry).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target / entry)


@dataclass(frozen=True)
class Installation:
    """An environment with the wheel in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def environment(self, **more: str) -> dict[str, str]:
        hidden = ("PYFLOW_", "PYTEST_", "PYTHON", "VIRTUAL_ENV")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
        return {**kept, "PATH": f"{self.python.parent}{os.pathsep}{kept.get('PATH', '')}", **more}

    def run(self, folder: Path, *command: str, **more: str) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.environment(**more),
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def pyflow(self, folder: Path, *arguments: str) -> str:
        return self.run(folder, "pyflow", *arguments)

    def status(self, folder: Path, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.pyflow(folder, "status", run_id, "--json"))
        return found

    @contextmanager
    def worker(self, folder: Path) -> Generator[subprocess.Popen[bytes]]:
        with (folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(["pyflow", "worker"], cwd=folder, env=self.environment(), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def install(wheel: Path, folder: Path) -> Installation:
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    installation = Installation(folder)
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(installation.run(folder, str(installation.python), "-c", where).strip())
    copy_distributions(requirements(DISTRIBUTION), site)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(installation.python)]
    subprocess.run([*pip, "install", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True, text=True)
    return installation
