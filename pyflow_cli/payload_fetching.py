"""One value of a run, in a local file until it is verified: nothing of a damaged payload is given out."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import stat
import tempfile
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from pyflow_cli.payload_row import payload_rows
from pyflow_core.errors import (
    NotFoundError,
    PayloadExpiredError,
    PayloadMissingError,
    PyflowError,
    UsageError,
)
from pyflow_core.payload.key import INPUT, OUTPUT
from pyflow_core.payload.reference import show_reference
from pyflow_core.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from pyflow_core.payload.planes import DataPlanes
    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.state import RunRecord, WorkflowStateService

_CHUNK = 1024 * 1024
_SHOWABLE_CONTROLS = "\n\r\t"


class NoValueError(PyflowError):
    """There is no such value, or not yet."""

    code = "no_value"


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value at its place: as text in the row, or as a reference."""

    run_id: str
    step_name: str | None
    slot: str
    inline: str | None
    reference: Reference | None


class Target(NamedTuple):
    """Where a value is to be written.

    `path` follows symbolic links. `folder` is where its temporary file lies; None where what stands there is no file
    and must stay what it is, such as a device or a pipe. `mode` is that of the file that is there, or of a new one.
    """

    named: Path
    path: Path
    folder: Path | None
    mode: int


def find_target(named: Path) -> Target:
    """What a name of a file stands for.

    Raises:
        UsageError: no file can be written there.
    """
    if not named.name:
        raise UsageError(f"-o takes the name of a file, and {str(named)!r} is none")
    with _told(named):
        path = named.resolve()
        if not path.parent.is_dir():
            raise UsageError(f"{named} cannot be written: there is no folder {path.parent}")
        if not path.exists():
            return Target(named, path, path.parent, 0o666 & ~_umask())
        if path.is_dir():
            raise UsageError(f"{named} is a folder: name a file in it")
        if not os.access(path, os.W_OK):
            raise UsageError(f"{named} cannot be written: it is there, and may not be changed")
        mode = path.stat().st_mode
        return Target(named, path, path.parent if stat.S_ISREG(mode) else None, stat.S_IMODE(mode))


@dataclass(frozen=True, slots=True)
class Fetched:
    """A verified value in a temporary file."""

    stored: StoredValue
    path: Path
    size: int
    sha256: str

    def form(self) -> dict[str, Any]:
        """What is known of it, as JSON."""
        stored = self.stored
        reference = stored.reference
        return {
            "run_id": stored.run_id,
            "step_name": stored.step_name,
            "slot": stored.slot,
            "bytes": self.size,
            "sha256": self.sha256,
            "content_type": "application/json" if reference is None else reference.content_type,
            "reference": None if reference is None else show_reference(reference),
        }

    def value(self) -> Any:
        """The value itself, where JSON can hold it.

        Raises:
            UsageError: it is binary.
        """
        encoding = "json" if self.stored.reference is None else self.stored.reference.encoding
        if encoding not in {"json", "text"}:
            raise UsageError("this value is binary, and JSON cannot hold it: write it to a file with -o FILE")
        text = self.path.read_text(encoding="utf-8")
        return text if encoding == "text" else json.loads(text)

    def is_plain_text(self) -> bool:
        """Whether it is UTF-8 without anything that could steer a terminal."""
        decoder = codecs.getincrementaldecoder("utf-8")()
        with self.path.open("rb") as file:
            try:
                while chunk := file.read(_CHUNK):
                    if not _is_showable(decoder.decode(chunk)):
                        return False
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return False
        return True

    def keep(self, target: Target) -> None:
        """Bring it to its place: a file whole or not at all, beside which it was made; anything else byte by byte."""
        with _told(target.named), self.path.open("rb") as file:
            if target.folder is None:
                with target.path.open("wb") as device:
                    shutil.copyfileobj(file, device, _CHUNK)
                return
            os.fsync(file.fileno())
            self.path.chmod(target.mode)
            self.path.replace(target.path)

    def copy(self, to: IO[bytes]) -> None:
        """Copy it to a stream, and end a JSON text with a line break."""
        with self.path.open("rb") as file:
            shutil.copyfileobj(file, to, _CHUNK)
        if self.stored.reference is None or self.stored.reference.encoding == "json":
            to.write(b"\n")
        to.flush()


async def find_value(state: WorkflowStateService, run: RunRecord, step_name: str | None, slot: str) -> StoredValue:
    """The value of this place.

    Raises:
        NotFoundError: the run has no such step.
        NoValueError: nothing was stored there, or not yet.
    """
    steps = await state.list_steps(run.run_id)
    step = next((step for step in steps if step.step_name == step_name), None)
    if step is None and step_name is not None:
        near = did_you_mean(step_name, [step.step_name for step in steps])
        raise NotFoundError(f"run {run.run_id!r} has no step {step_name!r}{near}")
    owner = run if step is None else step
    inline = {INPUT: owner.input.inline, OUTPUT: owner.output.inline}.get(slot)
    if inline is not None:
        return StoredValue(run.run_id, step_name, slot, inline, None)
    rows = [row for row in payload_rows(run, steps) if row.step_name == step_name]
    reference = next((row.reference for row in rows if row.slot == slot), None)
    if reference is None:
        raise _nothing(run, step_name, slot, [row.slot for row in rows])
    return StoredValue(run.run_id, step_name, slot, None, reference)


def _nothing(run: RunRecord, step_name: str | None, slot: str, known: list[str]) -> PyflowError:
    whose = f"run {run.run_id!r}" if step_name is None else f"step {step_name!r} of run {run.run_id!r}"
    if slot not in {INPUT, OUTPUT}:
        near = did_you_mean(slot, dict.fromkeys([INPUT, OUTPUT, *known]))
        return UsageError(f"{whose} has no {slot!r}: say input or output, or a file that `payload ls` shows{near}")
    return NoValueError(f"{whose} has no {slot}" + ("" if run.status.settled or slot == INPUT else " yet"))


@asynccontextmanager
async def told_of_purge(state: WorkflowStateService, run_id: str) -> AsyncGenerator[None]:
    """Tell what is missing because its run is being purged from what is lost.

    Raises:
        NoValueError: the run is being purged.
    """
    try:
        yield
    except (PayloadMissingError, PayloadExpiredError):
        if await state.ledger.purge_of(run_id) is None:
            raise
        raise NoValueError(f"run {run_id!r} is being purged, and this value is gone") from None


@asynccontextmanager
async def fetch(planes: DataPlanes, tenant: str, stored: StoredValue, to: Target | None) -> AsyncGenerator[Fetched]:
    """The value in a temporary file, beside the place where it is to lie; gone afterwards unless it was kept.

    Raises:
        PayloadError: one of its kinds.
        UsageError: there is no room for it.
    """
    folder = None if to is None else to.folder
    with _temporary(folder) as path:
        digest, size = sha256(), 0
        with _told(Path(tempfile.gettempdir()) if folder is None else folder), path.open("wb") as file:
            async for chunk in _chunks(planes, tenant, stored):
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
        yield Fetched(stored, path, size, digest.hexdigest())


@contextmanager
def _told(place: Path) -> Generator[None]:
    """Tell trouble with a local file by the name that the user knows."""
    try:
        yield
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error.strerror or type(error).__name__}") from error


@contextmanager
def _temporary(folder: Path | None) -> Generator[Path]:
    with _told(Path(tempfile.gettempdir()) if folder is None else folder):
        handle, name = tempfile.mkstemp(prefix=".pyflow-", dir=folder)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


async def _chunks(planes: DataPlanes, tenant: str, stored: StoredValue) -> AsyncGenerator[bytes]:
    if stored.reference is None:
        yield (stored.inline or "").encode()
        return
    plane = await planes.of(tenant)
    async for chunk in plane.reader.open(stored.reference):
        yield chunk


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _is_showable(text: str) -> bool:
    return all(character.isprintable() or character in _SHOWABLE_CONTROLS for character in text)
