"""References: what stands in a row in place of bytes.

A reference is tagged by `type`, which says how its place is named: `object_store` by store and key (local files, memory
and Redis are named so too: where a store keeps its bytes is a matter of settings), `relational` by database, schema,
table and primary key, `nats` by bucket and key. Everything else is the same for all.

The dataclasses are their own schema: pydantic reads them wherever others write (`pyflow_core.payload.boundary`), and
inside they are plain objects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import annotated_types as at

from pyflow_core.codec.json_text import write_json
from pyflow_core.errors import PayloadFacts
from pyflow_core.ports.payload import display

Compression = Literal["none", "zstd", "gzip"]
Encoding = Literal["json", "text", "bytes", "arrow"]
Lifetime = Literal["step", "run", "workflow", "permanent"]

NATS_MAX_BYTES: Final = 1_000_000
"""A payload in NATS is smaller than this."""

_SHA256 = r"^[0-9a-f]{64}$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$"
_AUTH_REF = r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,199}$"
_CONTENT_TYPE = r"^[!-~][ -~]{0,199}$"

_FORBID_EXTRA: dict[str, Any] = {"extra": "forbid", "strict": True}


def is_content_type(text: str) -> bool:
    """Whether a reference can tell of this content type: 1 to 200 printable ASCII characters."""
    return re.fullmatch(_CONTENT_TYPE.strip("^$"), text) is not None


class Pattern:
    """A regular expression that a text must match, as pydantic and its JSON schema understand it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """The schema of a text with this pattern."""
        return {**handler(source), "pattern": self.pattern}


Sha256: TypeAlias = Annotated[str, Pattern(_SHA256)]
StoreName: TypeAlias = Annotated[str, Pattern(_NAME)]
Key: TypeAlias = Annotated[str, at.Len(1, 1024), Pattern(r"^[A-Za-z0-9_.~%/-]+$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """Who wrote a payload. `step_name` is None for what belongs to the run itself."""

    __pydantic_config__: ClassVar[Any] = _FORBID_EXTRA

    run_id: Annotated[str, at.Len(1, 200)]
    step_name: Annotated[str, at.Len(1, 200)] | None = None
    attempt: Annotated[int, at.Ge(0)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Common:
    """What all references hold. `bytes` and `sha256` are of the uncompressed bytes.

    `auth_ref` is the id of a secret in a keychain or an environment, never the secret. `ttl_seconds` is None where the
    store keeps the payload until it is deleted. `producer` is None for a configuration, which belongs to no run.
    """

    __pydantic_config__: ClassVar[Any] = _FORBID_EXTRA

    bytes: Annotated[int, at.Ge(0)]
    sha256: Sha256
    tenant: Annotated[str, at.Len(1, 200)]
    producer: Producer | None = None
    content_type: Annotated[str, Pattern(_CONTENT_TYPE)] = "application/json"
    compression: Compression = "none"
    encoding: Encoding = "json"
    auth_ref: Annotated[str, Pattern(_AUTH_REF)] | None = None
    scope: Lifetime = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectReference(_Common):
    """A payload in a store that names its objects by keys."""

    store: StoreName
    key: Key
    ttl_seconds: Annotated[float, at.Gt(0)] | None = None
    type: Literal["object_store"] = "object_store"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationalReference(_Common):
    """A payload in a row of a table. `database` is an alias from the settings, never a URL. It has no time to live."""

    database: StoreName
    schema: StoreName
    table: StoreName
    primary_key: Key
    type: Literal["relational"] = "relational"

    @property
    def store(self) -> str:
        """The store's name, which is the alias of its database."""
        return self.database

    @property
    def key(self) -> str:
        """The key, which is the primary key."""
        return self.primary_key

    @property
    def ttl_seconds(self) -> float | None:
        """None."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class NatsReference(_Common):
    """A payload in a bucket of NATS, under 1 MB."""

    bytes: Annotated[int, at.Ge(0), at.Lt(NATS_MAX_BYTES)]
    store: StoreName
    bucket: StoreName
    key: Key
    ttl_seconds: Annotated[float, at.Gt(0)] | None = None
    type: Literal["nats"] = "nats"


Reference: TypeAlias = ObjectReference | RelationalReference | NatsReference


def show_reference(reference: Reference) -> str:
    """How people name it: `pf://store/key`."""
    return display(reference.store, reference.key)


def facts_of(reference: Reference, **found: Any) -> PayloadFacts:
    """What an error says of the payload that a reference names."""
    producer = reference.producer
    return PayloadFacts(
        reference=show_reference(reference),
        run_id=producer.run_id if producer else None,
        step_name=producer.step_name if producer else None,
        attempt=(producer.attempt if producer else 0) or None,
        expected_bytes=reference.bytes,
        expected_sha256=reference.sha256,
        **found,
    )


def reference_tree(reference: Reference) -> dict[str, Any]:
    """A reference as a tree of plain values; what has its default is left out, but never the type."""
    tree = {"type": reference.type, **_fields_of(reference)}
    if reference.producer is not None:
        tree["producer"] = _fields_of(reference.producer)
    return tree


def write_reference(reference: Reference | tuple[Reference, ...]) -> str:
    """The JSON of a reference, or of several (a manifest), as it stands in a row."""
    if isinstance(reference, tuple):
        return write_json([reference_tree(one) for one in reference])
    return write_json(reference_tree(reference))


def _fields_of(item: Any) -> dict[str, Any]:
    values = {field.name: getattr(item, field.name) for field in fields(item)}
    defaults = {field.name: field.default for field in fields(item)}
    return {name: value for name, value in values.items() if value != defaults[name]}
