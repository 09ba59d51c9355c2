"""Keys of payloads: where a value lies in its store, made of whose it is and of what is in it.

    payloads/{tenant}/{workflow}/{run_id}/{step}/{slot}.{sha256[:32]}.{ext}
    configs/{tenant}/{sha256}-{period}.json

The hash in the name makes an equal retry the same object, and keeps a late worker from changing what a committed
reference points to. Segments are percent-encoded; a long one is cut and ends in a hash of itself, segment by segment,
so that everything of a run lies under one prefix, whatever its steps are called. What belongs to the run itself has
`~run` in place of a step, which is no encoded name. A configuration belongs to no run; what its period is for says
`pyflow_core.payload.configuration`.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple
from urllib.parse import quote, unquote

from pyflow_core.errors import InvalidPayloadKeyError
from pyflow_core.ports.payload import check_key

RUN_SEGMENT = "~run"
INPUT, OUTPUT, ERROR = "input", "output", "error"
_PAYLOADS, _CONFIGS = "payloads", "configs"
PAYLOADS_PREFIX = f"{_PAYLOADS}/"
CONFIGS_PREFIX = f"{_CONFIGS}/"

_LONGEST_SEGMENT = 160
_HASH_DIGITS = 32
_LONG_HASH_DIGITS = 40

EXTENSIONS = {"json": "json", "text": "txt", "bytes": "bin", "arrow": "arrow"}
"""The ending of a key, by encoding."""
COMPRESSED_ENDINGS = {"none": "", "zstd": ".zst", "gzip": ".gz"}
"""What follows it. Two forms of one value are two objects, so that a new setting never meets an old form."""

_NAME = re.compile(r"(?P<slot>[^.]+)\.(?P<hash>[0-9a-f]{32})(?:-(?P<edition>[1-9][0-9]*))?\.[a-z]+(?:\.(?:zst|gz))?")
_CONFIG = re.compile(r"configs/[^/]+/[0-9a-f]{64}-[0-9]+(?:-[1-9][0-9]*)?\.json")
_SLOT = re.compile(r"input|output|error|file-.+|part-[0-9]{5,}", re.DOTALL)


class KeyParts(NamedTuple):
    """What a key says. `run_id` and `step` are None where they were too long to stand in it, or have none."""

    tenant: str
    workflow: str
    run_id: str | None
    step: str | None
    slot: str | None
    sha256_head: str
    edition: int

    @property
    def lives_with_run(self) -> bool:
        """Whether it is something that a step stored beside its input and output.

        Values hold handles to such things, so no reference in a row tells that they are needed: they are kept as long
        as their run.
        """
        return self.slot not in {INPUT, OUTPUT, ERROR}


def file_slot(name: str) -> str:
    """The slot of a file that a step writes beside its result."""
    return f"file-{name}"


def part_slot(number: int) -> str:
    """The slot of one of many parts."""
    return f"part-{number:05d}"


def run_prefix(tenant: str, workflow: str, run_id: str) -> str:
    """The prefix of everything that a run has stored."""
    return f"{tenant_prefix(tenant)}{encode_segment(workflow)}/{encode_segment(run_id)}/"


def tenant_prefix(tenant: str) -> str:
    """The prefix of all payloads of a tenant; configurations lie elsewhere."""
    return f"{_PAYLOADS}/{encode_segment(tenant)}/"


def payload_key(
    tenant: str,
    workflow: str,
    run_id: str,
    step: str | None,
    slot: str,
    content_sha256: str,
    *,
    encoding: str = "json",
    compression: str = "none",
    edition: int = 0,
) -> str:
    """The key of a value. `step` is None for what belongs to the run itself.

    `edition` tells apart objects of the same content: where the collection has barred a key, the next edition is used.
    """
    if _SLOT.fullmatch(slot) is None:
        raise InvalidPayloadKeyError(f"{slot!r} is no slot: input, output, error, file-NAME or part-NNNNN")
    step_segment = RUN_SEGMENT if step is None else encode_segment(step)
    hashed = content_sha256[:_HASH_DIGITS] + (f"-{edition}" if edition else "")
    name = f"{encode_segment(slot).replace('.', '%2E')}.{hashed}.{EXTENSIONS[encoding]}"
    key = f"{run_prefix(tenant, workflow, run_id)}{step_segment}/{name}{COMPRESSED_ENDINGS[compression]}"
    check_key(key)
    return key


def config_key(tenant: str, content_sha256: str, period: int, *, edition: int = 0) -> str:
    """The key of a configuration that is saved in this period; `edition` as in `payload_key`."""
    return f"{config_prefix(tenant)}{content_sha256}-{period}{f'-{edition}' if edition else ''}.json"


def is_config_key(key: str) -> bool:
    """Whether it is the key of a configuration."""
    return key.startswith(CONFIGS_PREFIX) and _CONFIG.fullmatch(key) is not None


def config_prefix(tenant: str) -> str:
    """The prefix of a tenant's configurations."""
    return f"{_CONFIGS}/{encode_segment(tenant)}/"


def belongs_to(key: str, tenant: str) -> bool:
    """Whether a key lies under a tenant's prefixes."""
    return key.startswith((tenant_prefix(tenant), config_prefix(tenant)))


def parse_key(key: str) -> KeyParts | None:
    """What the key of a payload says; None if it is none, such as that of a configuration."""
    root, *segments = key.split("/")
    if root != _PAYLOADS or len(segments) != 5:
        return None
    match = _NAME.fullmatch(segments[4])
    if match is None:
        return None
    tenant, workflow, run_id, step = segments[:4]
    if "~" in tenant or "~" in workflow:
        return None
    return KeyParts(
        unquote(tenant),
        unquote(workflow),
        _decode_segment(run_id),
        _decode_segment(step),
        _decode_segment(match["slot"]),
        match["hash"],
        int(match["edition"] or 0),
    )


def encode_segment(text: str) -> str:
    """One segment of a key: percent-encoded, and cut with a hash if it is long.

    Raises:
        InvalidPayloadKeyError: it is empty, or no text that UTF-8 can hold.
    """
    if not text:
        raise InvalidPayloadKeyError("a part of a payload's key is empty: name the tenant, workflow, run and step")
    try:
        encoded = quote(text, safe="").replace("~", "%7E")
    except UnicodeEncodeError:
        raise InvalidPayloadKeyError(f"{text!r} cannot be part of a payload's key: it holds lone surrogates") from None
    if encoded in {".", ".."}:
        encoded = encoded.replace(".", "%2E")
    if len(encoded) <= _LONGEST_SEGMENT:
        return encoded
    head = encoded[: _LONGEST_SEGMENT - _LONG_HASH_DIGITS - 1]
    return f"{head}~{sha256(text.encode()).hexdigest()[:_LONG_HASH_DIGITS]}"


def _decode_segment(segment: str) -> str | None:
    return None if "~" in segment else unquote(segment)
