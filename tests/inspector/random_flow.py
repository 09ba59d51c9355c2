"""Random workflows: as source for the inspector, and as data that can be followed by hand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from textwrap import indent
from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

Body = tuple["Statement", ...]


@dataclass(frozen=True)
class Do:
    """A step; `number` is set when it is written down."""


@dataclass(frozen=True)
class Exit:
    text: str


@dataclass(frozen=True)
class If:
    then: Body
    otherwise: Body


@dataclass(frozen=True)
class For:
    body: Body
    otherwise: Body


@dataclass(frozen=True)
class Try:
    body: Body
    handlers: tuple[tuple[str, Body], ...]
    otherwise: Body
    final: Body


@dataclass(frozen=True)
class Other:
    """Lines that are not followed by hand; `{}` is a fresh name."""

    text: str
    body: Body | None = None


Statement = Do | Exit | If | For | Try | Other

_LEAVING = ("return", "raise KeyError", "raise ValueError(data)", "raise OSError")
_TURNING = ("break", "continue")
_HANDLED = ((), ("",), ("KeyError",), ("KeyError", ""), ("ValueError", "KeyError"))
_OTHERS = (
    'await asyncio.gather(workflow.do("{}", lambda: 1), *(workflow.do(f"{}-{{x}}", lambda: 1) for x in data))',
    'x = await workflow.do("{}", lambda: 1) if data else await workflow.do("{}", lambda: 2)',
    'x = data and await workflow.do("{}", lambda: 1)',
    'x = [await workflow.do(f"{}-{{x}}", lambda: 1) for x in data if x]',
    'x = workflow.do("{}", lambda: 1)\nawait x',
    'await asyncio.gather(helper(workflow, "{}"), rpc.invoke("users.create", 1))',
    'await helper(workflow, "{}")',
    'async with asyncio.TaskGroup() as group:\n    group.create_task(workflow.do("{}", lambda: 1))',
    'match data:\n    case 1 if await workflow.do("{}", lambda: 1):\n        return\n    case [*_]:\n        raise',
    'tasks = [asyncio.create_task(workflow.do("{}", lambda: 1))]\nwhile tasks:\n    await asyncio.wait(tasks)',
    'async def never():\n    await workflow.do("{}", lambda: 1)\n    return 1',
    "logger.info(data)",
)
_HOLDERS = (
    'while await workflow.do("{}", lambda: 1):',
    "while True:",
    "with db:",
    "async for x in data.rows():",
)


@st.composite
def bodies(draw: st.DrawFn, *, others: bool = False) -> Body:
    """A few statements. With `others` also such as `Other`."""
    return _Maker(draw, others=others).body(in_loop=False, depth=3)


class _Maker:
    def __init__(self, draw: st.DrawFn, *, others: bool) -> None:
        self._draw = draw
        self._leaves = ("do", "do", "exit", "other") if others else ("do", "do", "exit")
        self._holders = ("if", "for", "try", "holder") if others else ("if", "for", "try")

    def body(self, *, in_loop: bool, depth: int) -> Body:
        count = self._draw(st.integers(0, 3))
        return tuple(self._statement(in_loop=in_loop, depth=depth) for _ in range(count))

    def _statement(self, *, in_loop: bool, depth: int) -> Statement:
        kinds = (*self._leaves, *self._holders) if depth else self._leaves
        match self._draw(st.sampled_from(kinds)):
            case "do":
                return Do()
            case "exit":
                return Exit(self._draw(st.sampled_from((*_LEAVING, *(_TURNING if in_loop else ())))))
            case "other":
                return Other(self._draw(st.sampled_from(_OTHERS)))
            case "holder":
                text = self._draw(st.sampled_from(_HOLDERS))
                return Other(text, self.body(in_loop=in_loop or text != "with db:", depth=depth - 1))
            case kind:
                return self._compound(kind, in_loop=in_loop, depth=depth - 1)

    def _compound(self, kind: str, *, in_loop: bool, depth: int) -> Statement:
        first = self.body(in_loop=in_loop or kind == "for", depth=depth)
        second = self.body(in_loop=in_loop, depth=depth)
        if kind != "try":
            return If(first, second) if kind == "if" else For(first, second)
        names = self._draw(st.sampled_from(_HANDLED))
        handlers = tuple((name, self.body(in_loop=in_loop, depth=depth)) for name in names)
        return Try(first, handlers, second, self.body(in_loop=in_loop, depth=depth))


class Written:
    """A body as source. Steps are called `s1`, `s2` … in the order in which they are written."""

    def __init__(self, body: Body) -> None:
        self.names: dict[int, str] = {}
        self._numbers = count(1)
        self.source = self._block(body)

    def _block(self, body: Body) -> str:
        return "\n".join(self._line(one) for one in body) or "pass"

    def _line(self, one: Statement) -> str:
        match one:
            case Do():
                return f'await workflow.do("s{next(self._numbers)}", lambda: 1)'
            case Exit(text):
                return text
            case If(then, otherwise):
                return f"if data:\n{self._inner(then)}\nelse:\n{self._inner(otherwise)}"
            case For(body, otherwise):
                return f"for x in data:\n{self._inner(body)}\nelse:\n{self._inner(otherwise)}"
            case Try():
                return "\n".join(self._try(one))
            case Other(text, body):
                head = "".join(self._filled(text))
                return head if body is None else f"{head}\n{self._inner(body)}"

    def _filled(self, text: str) -> Iterator[str]:
        first, *rest = text.split("{}")
        yield first.replace("{{", "{").replace("}}", "}")
        for part in rest:
            yield f"s{next(self._numbers)}" + part.replace("{{", "{").replace("}}", "}")

    def _try(self, one: Try) -> Iterator[str]:
        yield f"try:\n{self._inner(one.body)}"
        for name, body in one.handlers:
            yield f"except {name}:\n{self._inner(body)}" if name else f"except:\n{self._inner(body)}"
        if one.handlers:
            yield f"else:\n{self._inner(one.otherwise)}"
        if one.final or not one.handlers:
            yield f"finally:\n{self._inner(one.final)}"

    def _inner(self, body: Body) -> str:
        return indent(self._block(body), "    ")
