"""Types of the metadata as generated code writes them: over private aliases of the modules they live in.

`list[User] | None` with `{"User": "app.models:User"}` becomes `list[_app_models.User] | None`, and the file imports
`app.models as _app_models` for type checkers only.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import Code, Name, UnsafeTextError, identifier, import_path, literal
from pyflow_core.errors import UsageError
from pyflow_core.metadata import TypeMeta

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ALIAS_LENGTH = 40

_NAME = re.compile(r"\w+(\.\w+)*")

_HANDLES = frozenset({"pyflow_core:Payload", "pyflow_core.payload.handle:Payload"})
_PLAIN_TYPING = frozenset({"Any", "Literal", "Never", "NoReturn"})
_PLAIN_ABC = frozenset(
    {
        *("AsyncGenerator", "AsyncIterable", "AsyncIterator", "Awaitable", "Callable", "Collection", "Container"),
        *("Coroutine", "Generator", "Hashable", "ItemsView", "Iterable", "Iterator", "KeysView", "Mapping"),
        *("MutableMapping", "MutableSequence", "MutableSet", "Reversible", "Sequence", "Set", "Sized", "ValuesView"),
    }
)
_RENAMED = {
    "List": "list",
    "Dict": "dict",
    "Set": "set",
    "FrozenSet": "frozenset",
    "Tuple": "tuple",
    "Type": "type",
    "Text": "str",
}


class UnresolvedTypeError(UsageError):
    """A type cannot be written in another module."""

    code = "unresolved_type"


@dataclass
class TypeWriter:
    """Writes the types of one generated file, and remembers what the file must import for them.

    `taken` are the names that the file defines; a builtin among them is reached through `_builtins`.
    """

    taken: frozenset[str] = frozenset()
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    plain: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    uses_private: bool = False

    def write(self, meta: TypeMeta | None, default: str = "None") -> Code:
        """The type as an expression; `default` stands for an annotation that is missing.

        Raises:
            UnresolvedTypeError: a name in it is unknown or cannot be imported.
        """
        if meta is None:
            meta = TypeMeta(default, {"Any": "typing:Any"})
        try:
            written = self._expression(_parse(meta.text), meta.refs)
        except UnsafeTextError as error:
            raise UnresolvedTypeError(str(error)) from error
        return Name(written) if _NAME.fullmatch(written) and written != "None" else Code(written)

    def write_given(self, meta: TypeMeta | None, default: str = "None") -> Code:
        """The type of what may be given for a value of this type: the value itself, or a handle to one.

        Raises:
            As `write`.
        """
        value = self.write(pointee(meta), default)
        return value if value == "Any" else Code(f"{self._use('pyflow_core', 'Given')}[{value}]")

    def name(self, reference: str) -> Name:
        """The object that a `module:name` refers to."""
        module, _, name = reference.partition(":")
        return Name(f"{self._alias(module)}.{import_path(name)}")

    def import_lines(self) -> tuple[Code, ...]:
        """The imports of everything that was written: modules under their aliases, the rest by its own name.

        Modules are in blocks of their own, because how sorters order those of the standard library, of the project
        and of others within one depends on the project.
        """
        lines: list[str] = []
        for module, names in sorted(self.plain.items()):
            indent = "" if module == "typing" else "if TYPE_CHECKING:\n    "
            lines.append(f"{indent}from {module} import {', '.join(sorted(names))}")
        for group in self._module_groups():
            imports = "".join(f"\n    import {module} as {alias}" for module, alias in sorted(group))
            lines.append(f"if TYPE_CHECKING:{imports}")
        return tuple(Code(line) for line in lines)

    def _module_groups(self) -> list[list[tuple[str, str]]]:
        standard = [item for item in self.aliases.items() if _is_standard(item[0])]
        others = [item for item in self.aliases.items() if not _is_standard(item[0])]
        roots = sorted({module.partition(".")[0] for module, _ in others})
        groups = [standard, *([item for item in others if item[0].partition(".")[0] == root] for root in roots)]
        return [group for group in groups if group]

    def _expression(self, node: ast.expr, refs: dict[str, str]) -> str:  # noqa: PLR0911 - one case a kind
        match node:
            case ast.Constant(value=None):
                return "None"
            case ast.Constant(value=str() as text):
                return self._expression(_parse(text), refs)
            case ast.Constant(value=value) if value is ...:
                return "..."
            case ast.Name() | ast.Attribute():
                return self._reference(ast.unparse(node), refs)
            case ast.Subscript(value=value, slice=index):
                return self._subscript(ast.unparse(value), index, refs)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return f"{self._expression(left, refs)} | {self._expression(right, refs)}"
            case ast.List(elts=elements):
                return f"[{self._all(elements, refs)}]"
            case ast.Starred(value=value):
                return f"*{self._expression(value, refs)}"
            case ast.Tuple(elts=[]):
                return "()"
            case ast.Tuple(elts=elements):
                return self._all(elements, refs)
            case _:
                raise UnresolvedTypeError(f"{ast.unparse(node)!r} is no type that can be written in another module")

    def _all(self, nodes: Iterable[ast.expr], refs: dict[str, str]) -> str:
        return ", ".join(self._expression(node, refs) for node in nodes)

    def _subscript(self, base: str, index: ast.expr, refs: dict[str, str]) -> str:
        items = list(index.elts) if isinstance(index, ast.Tuple) and index.elts else [index]
        match _typing_name(_resolve(base, refs)):
            case "Optional":
                return _union([self._expression(index, refs), "None"])
            case "Union":
                return _union([self._expression(item, refs) for item in items])
            case "Annotated":
                return self._expression(items[0], refs)
            case "Literal":
                self._use("typing", "Literal")
                return f"Literal[{', '.join(self._literal_member(item, refs) for item in items)}]"
            case _:
                written = self._reference(base, refs)
                if written == "tuple" and len(items) == 1 and isinstance(items[0], ast.Starred):
                    return self._expression(items[0].value, refs)  # mypy takes it for a type variable
                return f"{written}[{self._expression(index, refs)}]"

    def _literal_member(self, node: ast.expr, refs: dict[str, str]) -> str:
        match node:
            case ast.Constant(value=None | bool() | int() | str() as value):
                return literal(value)
            case ast.Constant(value=bytes() as value):
                return "b" + literal(value.decode("latin-1"))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                return f"-{value}"
            case ast.Name() | ast.Attribute():
                return self._reference(ast.unparse(node), refs)
            case _:
                raise UnresolvedTypeError(f"{ast.unparse(node)!r} is no member of a Literal")

    def _reference(self, written: str, refs: dict[str, str]) -> str:  # noqa: PLR0911 - one case a kind
        resolved = _resolve(written, refs)
        if resolved is None:
            return self._builtin(written)
        if resolved in _HANDLES:
            return self._use("pyflow_core", "Payload")
        module, _, name = resolved.partition(":")
        if module == "builtins":
            return self._builtin(name)
        known = _typing_name(resolved)
        if known in _PLAIN_TYPING:
            return self._use("typing", known)
        if known in _RENAMED:
            return self._builtin(_RENAMED[known])
        if known == "AbstractSet":
            known = "Set"
        if (known or (name if module == "collections.abc" else None)) in _PLAIN_ABC:
            return self._use("collections.abc", known or name)
        if not name:
            raise UnresolvedTypeError(f"{written!r} is a module, and no type")
        self.uses_private |= any(part.startswith("_") for part in name.split("."))
        return self.name(resolved)

    def _use(self, module: str, name: str) -> str:
        self.plain.setdefault(module, set()).add(name)
        return name

    def _builtin(self, name: str) -> str:
        if not hasattr(builtins, name):
            raise UnresolvedTypeError(f"nothing says where {name!r} comes from")
        return f"{self._alias('builtins')}.{name}" if name in self.taken else identifier(name)

    def _alias(self, module: str) -> str:
        if module not in self.aliases:
            parts = str(import_path(module)).split(".")
            while len("_".join(parts)) > MAX_ALIAS_LENGTH and len(parts) > 1:
                parts = parts[1:]
            stem = "_" + "_".join(parts)
            used = {*self.aliases.values(), *self.taken}
            numbered = (stem if number == 1 else f"{stem}_{number}" for number in range(1, len(used) + 2))
            self.aliases[module] = next(alias for alias in numbered if alias not in used)
        return self.aliases[module]


def pointee(meta: TypeMeta | None) -> TypeMeta | None:
    """What a handle of this type is a handle to; a type that is no handle's as it is."""
    if meta is None:
        return None
    match _parse(meta.text):
        case ast.Subscript(value=base, slice=index) if _resolve(ast.unparse(base), meta.refs) in _HANDLES:
            return TypeMeta(ast.unparse(index), meta.refs)
        case _:
            return meta


@lru_cache(maxsize=4096)
def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnresolvedTypeError(f"{text!r} is no expression") from error


def _resolve(written: str, refs: dict[str, str]) -> str | None:
    """Where a dotted name comes from, by the longest part of it that the metadata knows."""
    parts = written.split(".")
    for count in range(len(parts), 0, -1):
        known = refs.get(".".join(parts[:count]))
        if known is not None:
            module, _, name = known.partition(":")
            return f"{module}:{'.'.join(part for part in (name, *parts[count:]) if part)}"
    return None


def _typing_name(resolved: str | None) -> str | None:
    """The name in `typing`, whichever of its two modules it was imported from."""
    module, _, name = (resolved or "").partition(":")
    return name if module in ("typing", "typing_extensions") else None


def _union(members: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(members))


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names
