"""From an annotation in the source to a JSON Schema, as pydantic would give it, as far as the source says it.

What cannot be read is a schema that allows everything, with a `$comment` that says why.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflow_cli.codegen.schema.class_reading import (
    Part,
    Shape,
    UnreadableError,
    annotated_names,
    class_keyword,
    enum_values,
    model_setting,
    read_shape,
)
from pyflow_cli.codegen.schema.field import FieldFacts, constrain, read_field, read_metadata
from pyflow_cli.codegen.schema.scalar import ARRAYS, HANDLES, MAPPINGS, SCALARS, SETS, TRANSPARENT, TUPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyflow_cli.codegen.schema.type_source import Found, TypeSource
    from pyflow_core.metadata import TypeMeta

Schema = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"
_MAX_DEPTH = 60
_NULL: Schema = {"type": "null"}


@dataclass(frozen=True, slots=True)
class _Scope:
    """How the names in an annotation are found. `module` is where it stands."""

    module: str
    find: Callable[[str], Found | None]


def document(source: TypeSource, meta: TypeMeta) -> Schema:
    """The schema of a type of the metadata, with everything that it refers to."""
    reader = _Reader(source)
    schema = reader.of_text(meta)
    definitions = {"$defs": dict(sorted(reader.definitions.items()))} if reader.definitions else {}
    return {"$schema": DIALECT, **schema, **definitions}


class _Reader:
    def __init__(self, source: TypeSource) -> None:
        self._source = source
        self._names: dict[tuple[str, str], str] = {}
        self._depth = 0
        self.definitions: dict[str, Schema] = {}

    def of_text(self, meta: TypeMeta) -> Schema:
        return self._parsed(meta.text, _Scope("", lambda dotted: self._referred(meta, dotted)))

    def _referred(self, meta: TypeMeta, dotted: str) -> Found | None:
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            reference = meta.refs.get(".".join(parts[:count]))
            if reference is not None:
                module, _, name = reference.partition(":")
                return self._source.resolve(module, ".".join([*filter(None, name.split(".")), *parts[count:]]))
        return self._source.resolve("", dotted) if len(parts) == 1 else None

    def _in_module(self, module: str) -> _Scope:
        return _Scope(module, lambda dotted: self._source.resolve(module, dotted))

    def _parsed(self, text: str, scope: _Scope) -> Schema:
        try:
            return self.of(ast.parse(text.strip(), mode="eval").body, scope)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return unread(f"{text!r} is no type")

    def of(self, node: ast.expr, scope: _Scope) -> Schema:
        """The schema of an annotation."""
        self._depth += 1
        try:
            return self._of(node, scope) if self._depth < _MAX_DEPTH else unread("nested too deeply")
        finally:
            self._depth -= 1

    def _of(self, node: ast.expr, scope: _Scope) -> Schema:
        match node:
            case ast.Constant(value=None):
                return dict(_NULL)
            case ast.Constant(value=str() as text):
                return self._parsed(text, scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return any_of([self.of(left, scope), self.of(right, scope)])
            case ast.Subscript(value=value, slice=index):
                arguments = list(index.elts) if isinstance(index, ast.Tuple) else [index]
                return self._generic(ast.unparse(value), arguments, scope)
            case ast.Name() | ast.Attribute():
                return self._named(ast.unparse(node), scope)
            case _:
                return unread(f"{ast.unparse(node)} is no type that can be read")

    def _named(self, written: str, scope: _Scope) -> Schema:
        found = scope.find(written)
        if found is None:
            return unread(f"{written} cannot be found")
        if isinstance(found.node, ast.ClassDef):
            return self._reference(found)
        if found.node is not None:
            return self._alias(found, found.node)
        name = _plain_name(found)
        if name in SCALARS:
            return dict(SCALARS[name])
        empty = self._container(name, None, scope)
        return unread(f"{found.dotted} is not of the project") if empty is None else empty

    def _alias(self, found: Found, node: ast.expr) -> Schema:
        scope = self._in_module(found.module)
        if isinstance(node, ast.Call):
            made = scope.find(ast.unparse(node.func))
            if made is not None and _plain_name(made) == "typing.NewType" and len(node.args) == 2:
                return self.of(node.args[1], scope)
            return unread(f"{found.dotted} is made by a call")
        return self.of(node, scope)

    def _generic(self, written: str, arguments: list[ast.expr], scope: _Scope) -> Schema:
        found = scope.find(written)
        name = "" if found is None else _plain_name(found)
        if name == "typing.Optional":
            return any_of([self.of(arguments[0], scope), dict(_NULL)])
        if name == "typing.Union":
            return any_of([self.of(argument, scope) for argument in arguments])
        if name == "typing.Literal":
            return _literal(arguments)
        if name == "typing.Annotated":
            facts = [read_metadata(scope.find, item) for item in arguments[1:]]
            return constrain(self.of(arguments[0], scope), [fact for fact in facts if fact is not None])
        if name in TRANSPARENT:
            return self.of(arguments[0], scope)
        container = self._container(name, arguments, scope)
        return unread(f"{written}[…] cannot be read from the source") if container is None else container

    def _container(self, name: str, arguments: list[ast.expr] | None, scope: _Scope) -> Schema | None:
        if name in HANDLES:
            return {}  # what stands in a value is a reference, which programs pass on and nobody writes
        first = self.of(arguments[0], scope) if arguments else {}
        if name in ARRAYS:
            return {"type": "array", "items": first}
        if name in SETS:
            return {"type": "array", "items": first, "uniqueItems": True}
        if name in MAPPINGS:
            value = self.of(arguments[1], scope) if arguments and len(arguments) > 1 else {}
            keys = {"propertyNames": first} if _is_choice(self._followed(first)) else {}
            return {"type": "object", "additionalProperties": value or True, **keys}
        return self._tuple(arguments, scope) if name in TUPLES else None

    def _tuple(self, arguments: list[ast.expr] | None, scope: _Scope) -> Schema:
        match arguments:
            case None:
                return {"type": "array", "items": {}}
            case [only, ast.Constant(value=ellipsis)] if ellipsis is ...:
                return {"type": "array", "items": self.of(only, scope)}
            case _:
                return _fixed_array([self.of(argument, scope) for argument in arguments])

    def _followed(self, schema: Schema) -> Schema:
        name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
        return self.definitions.get(name, schema)

    # --- classes

    def _reference(self, found: Found) -> Schema:
        key = (found.module, found.name)
        if key not in self._names:
            simple = found.name.rpartition(".")[2]
            name = simple if simple not in self.definitions else f"{found.module}.{found.name}".replace(".", "__")
            self._names[key] = name
            self.definitions[name] = {}
            try:
                self.definitions[name] = self._class(read_shape(self._source, found))
            except UnreadableError as error:
                self.definitions[name] = unread(str(error))
        return {"$ref": f"#/$defs/{self._names[key]}"}

    def _class(self, shape: Shape) -> Schema:
        described = ast.get_docstring(shape.node)
        about: Schema = {"title": shape.node.name, **({"description": described} if described else {})}
        match shape.kind:
            case "enum":
                return {**about, **_choice(enum_values(shape))}
            case "root":
                return {**about, **self._root(shape)}
            case "named_tuple":
                fields = self._fields(shape)
                required = sum(field.is_required for _, field in fields)
                return {**about, **_fixed_array([field.schema for _, field in fields], required)}
            case _:
                return {**about, **self._object(shape)}

    def _root(self, shape: Shape) -> Schema:
        if shape.argument is None:
            raise UnreadableError(f"{shape.node.name} has a root that cannot be read")
        node, module = shape.argument
        return self.of(node, self._in_module(module))

    def _object(self, shape: Shape) -> Schema:
        if model_setting(shape, "alias_generator") is not None and shape.kind == "model":
            raise UnreadableError(f"the aliases of {shape.node.name} are made by a function")
        fields = self._fields(shape)
        schema: Schema = {"type": "object", "properties": {name: field.schema for name, field in fields}}
        required = [name for name, field in fields if field.is_required]
        if required:
            schema["required"] = required
        extra = model_setting(shape, "extra")
        if isinstance(extra, ast.Constant) and extra.value in ("forbid", "allow"):
            schema["additionalProperties"] = extra.value == "allow"
        return schema

    def _fields(self, shape: Shape) -> list[tuple[str, FieldFacts]]:
        found: dict[str, tuple[str, FieldFacts]] = {}
        for part in shape.parts:
            total = class_keyword(part.node, "total") is not False
            for name, statement in annotated_names(part):
                field = self._field(shape, part, name, statement)
                if field is None:
                    continue
                if shape.kind == "typed_dict":
                    field = field.with_totality(total=total)
                found[name] = (field.alias or name, field)
        return list(found.values())

    def _field(self, shape: Shape, part: Part, name: str, statement: ast.AnnAssign) -> FieldFacts | None:
        scope = self._in_module(part.module)
        wrapper = statement.annotation
        wrapped = ast.unparse(wrapper.value) if isinstance(wrapper, ast.Subscript) else ast.unparse(wrapper)
        outer = scope.find(wrapped)
        special = "" if outer is None else _plain_name(outer)
        if special in ("typing.ClassVar", "dataclasses.KW_ONLY") or (shape.kind == "model" and name.startswith("_")):
            return None
        if special == "typing.Final" and statement.value is not None and shape.kind == "model":
            return None  # pydantic takes it for a constant of the class
        schema = self.of(statement.annotation, scope)
        return read_field(self._source, scope.module, schema, statement, special)


def _plain_name(found: Found) -> str:
    """The dotted name, with `typing` for `typing_extensions`."""
    return found.dotted.replace("typing_extensions.", "typing.", 1)


def unread(why: str) -> Schema:
    """What allows everything, and says why."""
    return {"$comment": why}


def any_of(schemas: Sequence[Schema]) -> Schema:
    """Any of these, without those that stand there twice."""
    members: list[Schema] = []
    for schema in schemas:
        inner = schema["anyOf"] if list(schema) == ["anyOf"] else [schema]
        members += [item for item in inner if item not in members]
    return members[0] if len(members) == 1 else {"anyOf": members}


def _literal(arguments: list[ast.expr]) -> Schema:
    values: list[Any] = []
    for argument in arguments:
        match argument:
            case ast.Constant(value=str() | int() | None as value):
                values.append(value)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
                values.append(-value)
            case _:
                return unread(f"{ast.unparse(argument)} is no literal that can be read")
    return _choice(values)


def _choice(values: list[Any]) -> Schema:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    kinds = {names[type(value)] for value in values}
    about = {"type": kinds.pop()} if len(kinds) == 1 else {}
    return {**({"const": values[0]} if len(values) == 1 else {"enum": values}), **about}


def _is_choice(schema: Schema) -> bool:
    return "enum" in schema or "const" in schema


def _fixed_array(items: list[Schema], required: int | None = None) -> Schema:
    least = len(items) if required is None else required
    prefix = {"prefixItems": items} if items else {}
    return {"type": "array", **prefix, "minItems": least, "maxItems": len(items)}
