"""From a template and values to a checked piece of generated Python.

A file is printed from its template with markers in it, and the blocks that stand for them are printed one by one:
most of a large package is a few forms with different names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, cast

from pyflow_cli.codegen.canonical import canonical, canonical_block, canonical_item
from pyflow_cli.codegen.code import Code, Name, Remark, Summary, TemplateError, Text, literal
from pyflow_cli.codegen.expression import MARKER
from pyflow_cli.codegen.shape import check_shape
from pyflow_cli.codegen.skeleton import HOLE, MAX_HOLES, Hole, Skeleton, hole, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jinja2 import Environment

_NEARLY = 4
"""To how many columns widths are rounded down, so that values of nearly the same width share a skeleton."""

Form = Literal["file", "block", "item"]
Value = Code | Text | Summary | Remark | None
Values = tuple[tuple[str, "Value | tuple[Value, ...]"], ...]
"""What a template knows, by name."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a generated file, and the names that they read."""

    text: str
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A template with what decides on its layout: everything but the values that can stand in holes."""

    template: str
    form: Form
    indent: int
    values: tuple[tuple[str, Any], ...]
    used: frozenset[str]
    widths: tuple[int, ...] = ()


def finalize(value: Any) -> str:
    """Nothing but checked code may be printed into Python, whatever a template says."""
    match value:
        case Code():
            return value
        case Text() | Summary():
            return literal(str(value))
        case Remark():
            return value.shown
        case _:
            raise TemplateError(f"{value!r} is no checked code")


@cache
def environment() -> Environment:
    """The templates of Python files."""
    from pyflow_cli.codegen.template import make_environment

    return make_environment("python", finalize, {})


def render_block(template: str, indent: int = 0, form: Form = "block", **values: Value | tuple[Value, ...]) -> Block:
    """Statements, or an item of a list, that stand `indent` columns deep.

    Raises:
        TemplateError: the template or a value gives something that generated code may not be.
    """
    return _render(template, form, indent, tuple(values.items()), frozenset[str]())


def render_file(
    template: str, blocks: Mapping[str, Sequence[Block]] | None = None, **values: Value | tuple[Value, ...]
) -> str:
    """A file of the generated package. The marker `BLOCKS_x` of its template stands for the blocks in `x`.

    Raises:
        TemplateError: as for a block.
    """
    used = frozenset(name for members in (blocks or {}).values() for block in members for name in block.names)
    given = {f"has_{name}": Code("") if members else None for name, members in (blocks or {}).items()}
    block = _render(template, "file", 0, (*values.items(), *given.items()), used)
    return expand(block, blocks or {}).text


def expand(block: Block, inner: Mapping[str, Sequence[Block]]) -> Block:
    """The block with others where its template has markers for them."""
    kept = {f"{MARKER}{name}": members for name, members in inner.items()}
    text = "\n".join(_expand(line, kept) for line in block.text.split("\n"))
    return Block(text, block.names.union(*(member.names for members in inner.values() for member in members)))


def _expand(line: str, blocks: Mapping[str, Sequence[Block]]) -> str:
    members = blocks.get(line.strip(" ,"))
    if members is None:
        return line
    # Overloads and what is no definition stand close, functions one blank line apart, classes two.
    first = members[0].text.lstrip()
    close = not first.startswith(("class ", "def ", "@_"))
    apart = "\n" if close else "\n\n" if line.startswith(" ") else "\n\n\n"
    return apart.join(block.text.removesuffix("\n") for block in members)


def join_blocks(blocks: Sequence[Block], blank_lines: int) -> Block:
    """Blocks of a kind as one, with blank lines between them."""
    text = ("\n" * blank_lines).join(block.text for block in blocks)
    return Block(text, frozenset[str]().union(*(block.names for block in blocks)))


@lru_cache(maxsize=8192)
def _render(template: str, form: Form, indent: int, values: Values, used: frozenset[str]) -> Block:
    holes = [value for value in _each(values) if _is_hole(value)]
    plan = _Plan(template, form, indent, _without(values), used)
    skeleton = _skeleton(plan)
    text = skeleton.fill(holes) or _fitted(plan, holes) or _print(plan, values)
    skeleton.check(text, holes)
    return Block(text, skeleton.names(holes))


def _fitted(plan: _Plan, holes: list[Hole]) -> str | None:
    """The text from a skeleton with holes of nearly, or else exactly, the right width."""
    widths = [width(value) for value in holes]
    for step in (_NEARLY, 1):
        wider = replace(plan, widths=tuple(number // step * step for number in widths))
        text = _skeleton(wider).fill(holes)
        if text is not None:
            return text
    return None


def _print(plan: _Plan, values: Iterable[tuple[str, Any]]) -> str:
    text = environment().get_template(f"{plan.template}.jinja").render(values)
    match plan.form:
        case "file":
            return canonical(text, plan.used)
        case "block":
            return canonical_block(text, plan.indent)
        case "item":
            return canonical_item(text, plan.indent)


@lru_cache(maxsize=2048)
def _skeleton(plan: _Plan) -> Skeleton:
    holes = iter(zip_longest(range(MAX_HOLES), plan.widths, fillvalue=0))
    values = [(name, _with_holes(value, holes)) for name, value in plan.values]
    if any(HOLE.search(value) for value in _each(plan.values) if isinstance(value, Code)):
        raise TemplateError("a type is written in letters that pyflow keeps for itself")
    skeleton = Skeleton(_print(plan, values), plan.indent, plan.form == "item")
    check_shape(skeleton.nodes)
    return skeleton


def _is_hole(value: Value) -> TypeGuard[Hole]:
    return isinstance(value, Name | Text | Summary | Remark)


def _each(values: Iterable[tuple[str, Any]]) -> Iterator[Any]:
    for _, value in values:
        if isinstance(value, tuple):
            yield from value
        else:
            yield value


def _without(values: Values) -> tuple[tuple[str, Any], ...]:
    """The values with the kind of each that can stand in a hole in its place."""
    return tuple(
        (name, tuple(_kind(item) for item in value) if isinstance(value, tuple) else _kind(value))
        for name, value in values
    )


def _kind(value: Value) -> Value | type[Hole]:
    return type(value) if _is_hole(value) else value


def _with_holes(value: Any, holes: Iterator[tuple[int, int]]) -> Any:
    if isinstance(value, tuple):
        return tuple(_with_holes(item, holes) for item in cast("Sequence[Any]", value))
    if not isinstance(value, type):
        return value
    number, width = next(holes, (MAX_HOLES, 0))
    if number == MAX_HOLES:
        raise TemplateError(f"a template takes {MAX_HOLES} values at most")
    return hole(number, value, width)
