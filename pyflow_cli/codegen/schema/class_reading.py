"""What a class of the project is for data: its kind, its fields, its members."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_cli.codegen.schema.type_source import Found, TypeSource

Kind = Literal["model", "root", "dataclass", "typed_dict", "named_tuple", "enum"]

_KINDS: dict[str, Kind] = {
    "pydantic.BaseModel": "model",
    "pydantic.RootModel": "root",
    "typing.TypedDict": "typed_dict",
    "typing_extensions.TypedDict": "typed_dict",
    "typing.NamedTuple": "named_tuple",
    **dict.fromkeys(("enum.Enum", "enum.StrEnum", "enum.IntEnum"), "enum"),
}
_DATACLASSES = frozenset({"dataclasses.dataclass", "pydantic.dataclasses.dataclass"})
_WITHOUT_FIELDS = frozenset({"object", "abc.ABC", "str", "int", "typing.Protocol"})
_MAX_DEPTH = 30


class UnreadableError(Exception):
    """A class says less than a schema needs."""


@dataclass(frozen=True, slots=True)
class Part:
    """A class or one of its bases."""

    found: Found
    node: ast.ClassDef
    module: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A class with its bases, those that it overrides first."""

    kind: Kind
    parts: tuple[Part, ...]
    bases: frozenset[str]
    """The dotted names of the bases outside the project."""
    argument: tuple[ast.expr, str] | None = None
    """What stands in the brackets of `RootModel[…]`, and in which module."""

    @property
    def node(self) -> ast.ClassDef:
        """The class itself."""
        return self.parts[-1].node


def read_shape(source: TypeSource, found: Found) -> Shape:
    """What the class is.

    Raises:
        UnreadableError: it is no class for data, or what it inherits cannot be read.
    """
    parts: dict[tuple[str, str], Part] = {}
    outside: dict[str, tuple[ast.expr, str] | None] = {}
    _collect(source, found, parts, outside, 0)
    kinds: set[Kind] = {_KINDS[name] for name in outside if name in _KINDS}
    if any(_is_dataclass(source, part) for part in parts.values()):
        kinds.add("dataclass")
    foreign = [name for name in outside if name not in _KINDS and name not in _WITHOUT_FIELDS]
    if len(kinds) != 1:
        raise UnreadableError(f"{found.dotted} is no class whose fields can be read")
    if foreign:
        raise UnreadableError(f"{found.dotted} inherits from {foreign[0]}, which is not of the project")
    return Shape(kinds.pop(), tuple(parts.values()), frozenset(outside), outside.get("pydantic.RootModel"))


def _collect(
    source: TypeSource,
    found: Found,
    parts: dict[tuple[str, str], Part],
    outside: dict[str, tuple[ast.expr, str] | None],
    depth: int,
) -> None:
    node = found.node
    if not isinstance(node, ast.ClassDef) or depth > _MAX_DEPTH or getattr(node, "type_params", None):
        raise UnreadableError(f"{found.dotted} is no plain class")
    for base in reversed(node.bases):
        written, argument = (base.value, base.slice) if isinstance(base, ast.Subscript) else (base, None)
        target = source.resolve(found.module, ast.unparse(written))
        if target is None:
            raise UnreadableError(f"{found.dotted} inherits from {ast.unparse(base)}, which cannot be found")
        if isinstance(target.node, ast.ClassDef):
            if argument is not None:
                raise UnreadableError(f"{found.dotted} inherits from a generic class")
            _collect(source, target, parts, outside, depth + 1)
        else:
            outside[target.dotted] = None if argument is None else (argument, found.module)
    parts[(found.module, found.name)] = Part(found, node, found.module)


def _is_dataclass(source: TypeSource, part: Part) -> bool:
    for decorator in part.node.decorator_list:
        written = decorator.func if isinstance(decorator, ast.Call) else decorator
        target = source.resolve(part.module, ast.unparse(written))
        if target is not None and target.dotted in _DATACLASSES:
            return True
    return False


def annotated_names(part: Part) -> Iterator[tuple[str, ast.AnnAssign]]:
    """The annotated names of a class, in order."""
    for statement in part.node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target.id, statement


def enum_values(shape: Shape) -> list[Any]:
    """The values of an enumeration.

    Raises:
        UnreadableError: one is more than a literal.
    """
    values: list[Any] = []
    for statement in shape.node.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if not name.startswith("_"):
                values.append(_enum_value(shape, name, value, values))
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if not name.startswith("_"):
                values.append(_enum_value(shape, name, value, values))
            case _:
                pass
    return values


def _enum_value(shape: Shape, name: str, node: ast.expr, before: list[Any]) -> Any:
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Call(func=ast.Name(id="auto") | ast.Attribute(attr="auto"), args=[]):
            if "enum.StrEnum" in shape.bases:
                return name.lower()
            return max([item for item in before if isinstance(item, int)], default=0) + 1
        case _:
            raise UnreadableError(f"the value of {shape.node.name}.{name} is no literal")


def class_keyword(node: ast.ClassDef, name: str) -> object:
    """The literal that a class gives its metaclass under this name."""
    for keyword in node.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.Constant):
            return keyword.value.value
    return None


def model_setting(shape: Shape, name: str) -> ast.expr | None:
    """What the configuration of a pydantic model says under this name."""
    for part in reversed(shape.parts):
        for keyword in part.node.keywords:
            if keyword.arg == name:
                return keyword.value
        for statement in part.node.body:
            match statement:
                case (
                    ast.Assign(targets=[ast.Name(id="model_config")], value=value)
                    | ast.AnnAssign(target=ast.Name(id="model_config"), value=ast.expr() as value)
                ):
                    found = _configured(value, name)
                    if found is not None:
                        return found
                case _:
                    pass
    return None


def _configured(node: ast.expr, name: str) -> ast.expr | None:
    match node:
        case ast.Call(keywords=keywords):
            return next((keyword.value for keyword in keywords if keyword.arg == name), None)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return next((value for key, value in pairs if isinstance(key, ast.Constant) and key.value == name), None)
        case _:
            return None
