"""The schemas of a project's types, and keys by which it is seen that the source of none has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyflow_cli.codegen.fingerprint import digest
from pyflow_cli.codegen.schema.json_schema import document
from pyflow_cli.codegen.schema.table import TypeTable, type_tables

if TYPE_CHECKING:
    from pyflow_cli.codegen.schema.type_source import TypeSource
    from pyflow_core.metadata import TypeMeta

Modules = dict[str, str | None]
"""The modules that a schema was read from, with the digests of their files."""


class Catalogue:
    """Schemas by type. `known` says which modules each was read from before, by the digest of the type."""

    def __init__(self, source: TypeSource, known: dict[str, Modules] | None = None) -> None:
        self._source = source
        self._schemas: dict[str, dict[str, Any]] = {}
        self._keys: dict[str, str] = {}
        self._tables: dict[str, tuple[TypeTable, ...]] = {}
        self.known: dict[str, Modules] = {} if known is None else known

    def key(self, meta: TypeMeta | None) -> str:
        """A digest that is the same while the schema is."""
        if meta is None:
            return ""
        name = _name(meta)
        if name not in self._keys:
            modules = self.known.get(name)
            if modules is None or any(self._source.digest(module) != seen for module, seen in modules.items()):
                self.schema(meta)
            self._keys[name] = digest(name, sorted(self.known[name].items(), key=str))
        return self._keys[name]

    def schema(self, meta: TypeMeta) -> dict[str, Any]:
        """The JSON Schema of a type."""
        name = _name(meta)
        if name not in self._schemas:
            self._source.asked.clear()
            self._schemas[name] = document(self._source, meta)
            self.known[name] = {module: self._source.digest(module) for module in set(self._source.asked)}
        return self._schemas[name]

    def tables(self, meta: TypeMeta) -> tuple[TypeTable, ...]:
        """The type, and those that it refers to, as tables."""
        name = _name(meta)
        if name not in self._tables:
            self._tables[name] = tuple(type_tables(self.schema(meta)))
        return self._tables[name]


def _name(meta: TypeMeta) -> str:
    return f"{meta.text} {sorted(meta.refs.items())}"
