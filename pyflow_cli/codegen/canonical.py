"""Printing generated Python in the one form that formatters and linters leave alone.

Templates say what a file holds, in any layout. Their text is parsed, everything outside a small part of the language
is refused, imports that nothing uses are dropped, and the rest is printed anew at 88 columns. Lists that break get a
trailing comma, so that formatters with longer lines leave them broken.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_cli.codegen.code import TemplateError, docstring, text_width
from pyflow_cli.codegen.expression import MARKER, expression, parenthesised, result
from pyflow_cli.codegen.imports import Imports, used_names
from pyflow_cli.codegen.layout import INDENT, WIDTH, Doc, Group, bracketed, flat, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def canonical(text: str, used: Iterable[str] = ()) -> str:
    """The same program, printed in its canonical form; the comments above its first statement are kept.

    `used` are names that are read where a marker stands, so that their imports stay.

    Raises:
        TemplateError: the text is no program, or uses more of the language than generated code may.
    """
    module = parse(text)
    return _excused([*_header(text), *_module(module.body, set(used))])


def canonical_block(text: str, indent: int) -> str:
    """Statements that stand `indent` columns deep in a file, as lines with a line break behind each.

    Raises:
        TemplateError: as for a file.
    """
    return _excused(_block(parse(text).body, indent))


def canonical_item(text: str, indent: int) -> str:
    """An expression as an item of a broken list, with its comma, as lines with a line break behind each.

    Raises:
        TemplateError: as for a file.
    """
    match parse(text).body:
        case [ast.Expr(value=value)]:
            return _excused(_lines([expression(value), ","], indent))
        case _:
            raise TemplateError("an item of a list is one expression")


def docstring_lines(text: str, indent: int) -> list[str]:
    """The text as a docstring that stands `indent` columns deep."""
    shown = docstring(text, WIDTH - indent).split("\n")
    first = f'"""{shown[0]}'
    if len(shown) == 1:
        return [_at(indent, f'{first}"""')]
    return [_at(indent, line) for line in (first, *shown[1:-1], '"""')]


def parse(text: str) -> ast.Module:
    """The text as a program.

    Raises:
        TemplateError: it is none.
    """
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        raise TemplateError(f"a template gave no Python: {error}") from error


def _excused(lines: list[str]) -> str:
    return "".join(f"{_excuse_length(line)}\n" for line in lines)


def _header(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.split("\n"):
        if not line.startswith("#"):
            break
        lines.append(line.rstrip())
    return lines


def _excuse_length(line: str) -> str:
    """Names that are too long for any layout are excused by name; a single word needs no excuse."""
    words = line.split()
    if text_width(line) <= WIDTH or len(words) < 2 or (len(words) == 2 and words[0] == "#"):
        return line
    return f"{line}  # noqa: E501"


# --- statements


def _module(body: Sequence[ast.stmt], used: set[str]) -> list[str]:
    imports = Imports()
    rest = [statement for statement in body if not imports.take(statement)]
    used |= used_names(rest)
    rest = [statement for statement in rest if not isinstance(statement, ast.If) or _keep_used(statement, used)]
    if not any(isinstance(statement, ast.If) for statement in rest):
        used.discard("TYPE_CHECKING")
    lines = imports.render(used, 0)
    previous: ast.stmt | None = None
    for statement in rest:
        if lines:
            wide = _is_definition(statement) or _is_definition(previous)
            lines += [""] * (2 if wide else 1 if previous is None or _stands_apart(previous, statement) else 0)
        lines += _statement(statement, 0)
        previous = statement
    return lines


def _keep_used(block: ast.If, used: set[str]) -> bool:
    """Drop the imports of the block that nothing uses; whether anything is left."""
    block.body = [statement for statement in block.body if Imports.is_used(statement, used)]
    return bool(block.body)


def _stands_apart(previous: ast.stmt, statement: ast.stmt) -> bool:
    return isinstance(previous, ast.If) or isinstance(statement, ast.If) or _is_docstring(previous)


def _is_definition(statement: ast.stmt | None) -> bool:
    return isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)


def _is_docstring(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
        case _:
            return False


def _statement(node: ast.stmt, indent: int) -> list[str]:  # noqa: C901, PLR0911, PLR0912 - one case a kind of statement
    match node:
        case ast.ClassDef(decorator_list=[ast.Name(id=marker)]) if marker.startswith(MARKER):
            return [_at(indent, marker)]
        case ast.FunctionDef(decorator_list=[ast.Name(id=marker)]) if marker.startswith(MARKER):
            return [_at(indent, marker)]
        case ast.ClassDef():
            return _class(node, indent)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function(node, indent)
        case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
            return [_at(indent, "if TYPE_CHECKING:"), *_block(node.body, indent + INDENT)]
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return docstring_lines(text, indent)
        case ast.Expr(value=value):
            return _lines([expression(value)], indent)
        case ast.Pass():
            return [_at(indent, "pass")]
        case ast.Return(value=ast.expr() as value):
            return _lines(["return ", expression(value)], indent)
        case ast.Assign(targets=[target], value=value):
            return _assignment([expression(target)], value, indent)
        case ast.AnnAssign(target=target, annotation=annotation, value=None):
            return _lines([expression(target), ": ", expression(annotation)], indent)
        case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr() as value):
            return _assignment([expression(target)], value, indent, annotation)
        case _:
            raise TemplateError(f"generated code may not hold {type(node).__name__}")


def _assignment(target: list[Doc], value: ast.expr, indent: int, annotation: ast.expr | None = None) -> list[str]:
    """A value that does not fit behind its target stands in parentheses, if the target fits and that helps.

    An annotation with a list in it is broken there instead, since the comma behind a broken list keeps it so.
    """
    if annotation is not None:
        target = [*target, ": ", expression(annotation)]
    head, inside = flat(target), flat(expression(value))
    opening = inside if isinstance(value, ast.Constant) else inside[: inside.find("(") + 1] or inside
    room = WIDTH - indent
    if text_width(f"{head} = {opening}") > room:
        if annotation is not None and _has_list(annotation):
            broken = expression(annotation, broken=True)
            return _lines([*target[:-1], broken, " = ", expression(value)], indent)
        helps = isinstance(value, ast.Call) or text_width(inside) + INDENT <= room
        if helps and text_width(f"{head} = (") <= room:
            return _lines([*target, " = ", parenthesised(expression(value), broken=True)], indent)
    return _lines([*target, " = ", expression(value)], indent)


def _has_list(node: ast.expr) -> bool:
    """Whether a subscript in the annotation, or in the only item of one, has more than one item."""
    while isinstance(node, ast.Subscript):
        if isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1:
            return True
        node = node.slice
    return False


def _block(body: Sequence[ast.stmt], indent: int) -> list[str]:
    """The statements of a class, of a function or of `if TYPE_CHECKING`, with one blank line around definitions."""
    imports = Imports()
    rest = [statement for statement in body if not imports.take(statement)]
    lines = imports.render(None, indent)
    previous: ast.stmt | None = None
    for statement in rest:
        if lines and _needs_blank(previous, statement):
            lines.append("")
        lines += _statement(statement, indent)
        previous = statement
    return lines


def _needs_blank(previous: ast.stmt | None, statement: ast.stmt) -> bool:
    if _is_stub(previous) and _is_stub(statement) and _name(previous) == _name(statement):
        return False
    return previous is None or _is_definition(statement) or _is_definition(previous)


def _name(statement: ast.stmt | None) -> str | None:
    return getattr(statement, "name", None)


def _is_stub(statement: ast.stmt | None) -> bool:
    match statement:
        case ast.FunctionDef(body=body) | ast.AsyncFunctionDef(body=body):
            return len(body) == 1 and isinstance(body[0], ast.Expr) and _is_ellipsis(body[0].value)
        case _:
            return False


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is ...


def _class(node: ast.ClassDef, indent: int) -> list[str]:
    if node.keywords:
        raise TemplateError("generated classes take no keywords")
    bases = bracketed("(", [expression(base) for base in node.bases], ")") if node.bases else ""
    lines = _decorators(node, indent) + _lines([f"class {node.name}", bases, ":"], indent)
    body = list(node.body)
    if _is_docstring(body[0]):
        lines += _statement(body.pop(0), indent + INDENT)
        lines += [""] if body else []
    return lines + _block(body, indent + INDENT)


def _function(node: _Function, indent: int) -> list[str]:
    stub = _is_stub(node)
    keyword = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    parameters = _parameters(node.args)
    returns: Doc = [" -> ", result(node.returns, indent)] if node.returns else ""
    end = ": ..." if stub else ":"

    def head(*, broken: bool) -> Doc:
        return [f"{keyword} {node.name}", bracketed("(", parameters, ")", broken=broken), returns, end]

    # Parameters break before the result does.
    one_line = _lines([Group(head(broken=False))], indent)
    lines = one_line if len(one_line) == 1 else _lines(head(broken=True), indent)
    body = [] if stub else _block(node.body, indent + INDENT)
    return _decorators(node, indent) + lines + body


def _decorators(node: ast.ClassDef | _Function, indent: int) -> list[str]:
    return [line for decorator in node.decorator_list for line in _lines(["@", expression(decorator)], indent)]


def _parameters(node: ast.arguments) -> list[Doc]:
    positional = [*node.posonlyargs, *node.args]
    defaults = [*([None] * (len(positional) - len(node.defaults))), *node.defaults]
    docs = [_parameter(item, default) for item, default in zip(positional, defaults, strict=True)]
    if node.posonlyargs:
        docs.insert(len(node.posonlyargs), "/")
    if node.kwonlyargs:
        docs.append("*")
    docs += [_parameter(item, default) for item, default in zip(node.kwonlyargs, node.kw_defaults, strict=True)]
    return [*docs, ["**", _parameter(node.kwarg)]] if node.kwarg else docs


def _parameter(node: ast.arg, default: ast.expr | None = None) -> Doc:
    if node.annotation is None:
        return node.arg
    value: list[Doc] = [] if default is None else [" = ", expression(default)]
    return [f"{node.arg}: ", expression(node.annotation), *value]


def _lines(doc: Doc, indent: int) -> list[str]:
    return _at(indent, render(doc, indent)).split("\n")


def _at(indent: int, text: str) -> str:
    return " " * indent + text
