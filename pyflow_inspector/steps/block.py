"""The tree of blocks that the walk leaves behind: what stands inside what, in the order of execution.

Nothing is judged here and nothing computed: no positions, no texts, no names. `pyflow_inspector.graph` makes nodes
and edges of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import libcst as cst

    from pyflow_core.metadata import Join
    from pyflow_inspector.project import Module
    from pyflow_inspector.steps.fact import FoundStep, Invoke

BlockKind = Literal[
    "function", "step", "invoke", "branch", "match", "loop", "parallel", "try", "call",
    "return", "raise", "break", "continue",
]  # fmt: skip


@dataclass(eq=False, slots=True)
class Arm:
    """One way through a block. `test` decides whether it is taken, and `before` is what is done to find that out."""

    name: str
    block: Block
    test: cst.CSTNode | None = None
    before: list[Block] = field(default_factory=list["Block"])
    items: list[Block] = field(default_factory=list["Block"])


@dataclass(eq=False, slots=True)
class Block:
    """A statement or expression that makes steps, may lead past some, or holds others that do.

    `head` is what a loop runs over or while, what a match looks at. `waits` marks what does nothing until it is
    awaited, `awaited` that it was, `started` that a task was made of it. `detached` is code that nobody is seen to
    call.
    """

    kind: BlockKind
    module: Module
    node: cst.CSTNode
    home: Arm | None = None
    arms: list[Arm] = field(default_factory=list[Arm])
    head: cst.CSTNode | None = None
    label: str = ""
    join: Join | None = None
    step: FoundStep | None = None
    invoke: Invoke | None = None
    waits: bool = False
    awaited: bool = False
    started: bool = False
    detached: bool = False

    @property
    def is_loose(self) -> bool:
        """Whether all that it does is still to be awaited."""
        if self.waits:
            return not self.awaited
        items = [item for arm in self.arms for item in (*arm.before, *arm.items)]
        return bool(items) and all(item.is_loose for item in items)

    def loose(self) -> Iterator[Block]:
        """The largest parts of it that are still to be awaited."""
        if self.is_loose:
            yield self
        elif not self.waits:
            for arm in self.arms:
                for item in (*arm.before, *arm.items):
                    yield from item.loose()

    def around(self) -> Iterator[Block]:
        """The blocks that it stands in, from the inside."""
        home = self.home
        while home is not None:
            yield home.block
            home = home.block.home


class BlockRecorder:
    """Builds the tree while the walker goes through a function: begin a block, open an arm, note a leaf, end."""

    __slots__ = ("_all", "_items", "_stack", "root")

    def __init__(self) -> None:
        self.root: Block | None = None
        self._stack: list[tuple[Block, list[Block]]] = []
        self._items: list[Block] = []
        self._all: list[Block] = []

    def begin(
        self,
        kind: BlockKind,
        module: Module,
        node: cst.CSTNode,
        *,
        head: cst.CSTNode | None = None,
        label: str = "",
    ) -> Block:
        """A block that holds others. Its first arm must follow at once; what comes until its `end` stands in arms."""
        block = self._block(kind, module, node)
        block.head, block.label = head, label
        self._append(block)
        self._stack.append((block, self._items))
        return block

    def arm(self, name: str, test: cst.CSTNode | None = None) -> None:
        """What comes next stands in a new arm of the innermost block."""
        arm = Arm(name, self._stack[-1][0], test)
        arm.block.arms.append(arm)
        self._items = arm.items

    def test(self, name: str, test: cst.CSTNode | None) -> None:
        """What comes next decides whether a new arm is taken; `taken` begins the arm itself."""
        self.arm(name, test)
        self._items = self._stack[-1][0].arms[-1].before

    def taken(self) -> None:
        """The arm whose test was noted begins."""
        self._items = self._stack[-1][0].arms[-1].items

    def end(self) -> None:
        """The innermost block ends."""
        self._items = self._stack.pop()[1]

    def discard(self) -> None:
        """The block that came last was none."""
        self._items.pop()

    def leaf(self, kind: BlockKind, module: Module, node: cst.CSTNode) -> Block:
        """A block that holds no others."""
        block = self._block(kind, module, node)
        self._append(block)
        return block

    def mark(self) -> int:
        """How much the current arm holds; what comes later is told from it by `loose`."""
        return len(self._items)

    def loose(self, mark: int) -> tuple[Block, ...]:
        """What was noted since `mark` and is still to be awaited."""
        if len(self._items) == mark:
            return ()
        return tuple(part for block in self._items[mark:] for part in block.loose())

    def await_(self, blocks: Iterable[Block]) -> None:
        """What `blocks` do is done here, wherever they were made."""
        for block in blocks:
            if block.is_loose:
                _set_awaited(block)
                if not block.started and not self._is_last(block) and self._may_move(block):
                    _take_away(block)
                    self._append(block)

    def gather(self, module: Module, node: cst.CSTNode, join: Join, blocks: Iterable[Block]) -> None:
        """A group, whose arms are `blocks`, wherever they were made."""
        group = self._block("parallel", module, node)
        group.join = join
        moved: list[tuple[Block, Block | None]] = []
        for block in dict.fromkeys(blocks):
            if not block.is_loose:
                continue
            if not self._may_move(block):
                _fan_out_in_place(block, join)
                continue
            moved.append((block, self._loop_of(block)))
        for block, _ in moved:
            _take_away(block)
        self._append(group)
        for block, loop in moved:
            self._add_arm(group, block, loop, alone=len(moved) == 1)
        for block, _ in moved:
            _set_awaited(block)

    def let_go(self) -> None:
        """Untie the blocks from the arms that they stand in, which hold them in circles."""
        for block in self._all:
            block.home = None
            block.arms.clear()

    def _block(self, kind: BlockKind, module: Module, node: cst.CSTNode) -> Block:
        block = Block(kind, module, node)
        self._all.append(block)
        return block

    def _append(self, block: Block) -> None:
        if self._stack:
            holder = self._stack[-1][0]
            if holder.arms:
                block.home = holder.arms[-1]
            self._items.append(block)
        else:
            self.root = block

    def _add_arm(self, group: Block, block: Block, loop: Block | None, *, alone: bool) -> None:
        """`block` as an arm of `group`; a loop, or what was taken out of one, fans out."""
        inner = block.arms[-1].items if block.kind == "loop" else [block]
        over = block if block.kind == "loop" else loop
        if over is not None and not alone:
            nested = self._block("parallel", block.module, over.node)
            nested.join = "all"
            self._add_arm(nested, block, loop, alone=True)
            inner, over = [nested], None
        name = "each" if over is not None else str(len(group.arms) + 1)
        arm = Arm(name, group, items=inner)
        group.arms.append(arm)
        for item in inner:
            item.home = arm
        if over is not None:
            group.head = over.head

    def _is_last(self, block: Block) -> bool:
        """Whether nothing has come since `block`."""
        last = self._items[-1] if self._items else None
        return last is block or any(one is last for one in block.around())

    def _may_move(self, block: Block) -> bool:
        """Whether what stands here is done as often as `block`, and in the same function."""
        open_blocks = [one for one, _ in self._stack]
        around = set(block.around())
        inside = open_blocks[max((i for i, one in enumerate(open_blocks) if one in around), default=-1) + 1 :]
        left = around.difference(open_blocks)
        return all(one.kind != "loop" for one in inside) and all(one.kind != "call" for one in left)

    def _loop_of(self, block: Block) -> Block | None:
        """The loop that `block` leaves when it comes here."""
        here = {one for one, _ in self._stack}
        return next((one for one in block.around() if one.kind == "loop" and one not in here), None)


def _take_away(block: Block) -> None:
    home = block.home
    assert home is not None
    for items in (home.items, home.before):
        items[:] = [item for item in items if item is not block]


def _fan_out_in_place(block: Block, join: Join) -> None:
    """A comprehension of calls that are awaited elsewhere, and more than once: a group where it stands."""
    if block.kind == "loop" and len(block.arms) == 1:
        block.kind, block.join = "parallel", join
        block.arms[0].name = "each"
        _set_awaited(block)


def _set_awaited(block: Block) -> None:
    if block.waits:
        block.awaited = True
    else:
        for arm in block.arms:
            for item in (*arm.before, *arm.items):
                _set_awaited(item)
