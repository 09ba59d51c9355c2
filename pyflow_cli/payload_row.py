"""The payloads that the rows of a run refer to. No store is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyflow_core.payload.boundary import read_reference
from pyflow_core.payload.key import INPUT, OUTPUT, is_config_key, parse_key
from pyflow_core.payload.reference import show_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_core.payload.reference import Reference
    from pyflow_core.ports.state import Envelope, RunRecord, StepRecord


class PayloadRow(NamedTuple):
    """A payload at its place. `step_name` is None for the run's own.

    `slot` is input or output, whose value it is or names; for a file that a step stored it is that of the file, and
    `config` for a configuration.
    """

    run_id: str
    tenant: str
    step_name: str | None
    slot: str
    reference: Reference

    def form(self) -> dict[str, Any]:
        """The row as JSON."""
        reference = self.reference
        return {
            "step_name": self.step_name,
            "slot": self.slot,
            "bytes": reference.bytes,
            "content_type": reference.content_type,
            "encoding": reference.encoding,
            "compression": reference.compression,
            "store": reference.store,
            "key": reference.key,
            "reference": show_reference(reference),
            "sha256": reference.sha256,
        }


def payload_rows(run: RunRecord, steps: Iterable[StepRecord]) -> Iterator[PayloadRow]:
    """Every payload of a run: its input and output, then those of its steps, each with what its value names.

    Raises:
        PayloadContractError: a row holds what is no reference.
    """
    yield from _rows(run, None, INPUT, run.input)
    yield from _rows(run, None, OUTPUT, run.output)
    for step in steps:
        yield from _rows(run, step.step_name, INPUT, step.input)
        yield from _rows(run, step.step_name, OUTPUT, step.output)


def _rows(run: RunRecord, step_name: str | None, slot: str, envelope: Envelope) -> Iterator[PayloadRow]:
    if envelope.reference is None:
        return
    found = read_reference(envelope.reference)
    own, *named = found if isinstance(found, tuple) else (found,)
    yield PayloadRow(run.run_id, run.tenant, step_name, slot, own)
    for reference in named:
        yield PayloadRow(run.run_id, run.tenant, step_name, _slot_of(reference.key) or slot, reference)


def _slot_of(key: str) -> str | None:
    """What a value names by more than its own place; None for the input or output of another step."""
    if is_config_key(key):
        return "config"
    parts = parse_key(key)
    return parts.slot if parts is not None and parts.lives_with_run else None
