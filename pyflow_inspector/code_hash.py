"""Hashes of workflows and steps: of their own code, and of everything of the project that it calls.

A function counts with what it calls in turn, a class with its methods and those of its bases, a constant with its
value. Where something lies and in which order it is defined does not count, nor what a description says. What is
called by the name of an RPC runs elsewhere and is no part of its caller.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

from pyflow_inspector.digest import digest
from pyflow_inspector.free_name import FreeNames, free_names
from pyflow_inspector.module_table import Assigned
from pyflow_inspector.project import Symbol
from pyflow_inspector.steps.value import FunctionValue
from pyflow_inspector.tree import dotted_name
from pyflow_inspector.wiring import wire_kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyflow_inspector.model import ProjectModel, WiredFunction
    from pyflow_inspector.project import Module, Project
    from pyflow_inspector.steps.fact import FoundStep
    from pyflow_inspector.steps.value import Frame

_WRITER = cst.Module([])


@dataclass(frozen=True, eq=False)
class Piece:
    """A function, lambda, call or constant. Its names are looked up in `frame`, where it has one, then in `module`."""

    module: Module
    node: cst.CSTNode
    frame: Frame | None = None
    owner: Symbol | None = None


@dataclass(frozen=True)
class _Reading:
    digest: str
    names: FreeNames


_MAX_HOPS = 20


class CodeHashes:
    """Hashes of all steps and workflows of a unit; what several of them lead to is read once."""

    def __init__(self, model: ProjectModel) -> None:
        self._project: Project = model.project
        steps = [step for workflow in model.workflows for step in workflow.facts.steps]
        self._omitted: dict[str, frozenset[int]] = {}
        for step in steps:
            omitted = self._omitted.get(step.module.name, frozenset())
            self._omitted[step.module.name] = omitted.union(map(id, _beside_the_point(step)))
        self._readings: dict[cst.CSTNode, _Reading] = {}
        self._next: dict[cst.CSTNode, list[Piece]] = {}

    def of_step(self, step: FoundStep) -> str:
        """Of the call, of the function that an inline step runs, and of what both lead to."""
        own = [Piece(step.module, step.call, step.frame)]
        if step.form.type == "child":
            return self._combined(own)  # the workflow that it starts has a hash of its own
        if step.form.function is not None:
            own.append(_piece_of(step.form.function))
        return self._combined(self._closure(own))

    def of_workflow(self, workflow: WiredFunction) -> str:
        """Of the function, of the helpers and step functions that it reaches, and of what they lead to."""
        reached = [Piece(module, node) for module, node in workflow.facts.reached.values()]
        return self._combined(self._closure([Piece(workflow.module, workflow.node), *reached]))

    def _combined(self, pieces: Iterable[Piece]) -> str:
        hasher = hashlib.sha256()
        for piece in pieces:
            hasher.update(self._read(piece).digest.encode())
        return f"sha256:{hasher.hexdigest()}"

    def _closure(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """`pieces` and everything that they lead to, each once, in the order in which it is met."""
        seen: set[cst.CSTNode] = set()
        waiting = list(pieces)[::-1]
        while waiting:
            piece = waiting.pop()
            if piece.node not in seen:
                seen.add(piece.node)
                yield piece
                waiting.extend(reversed(self._leads_to(piece)))

    def _leads_to(self, piece: Piece) -> list[Piece]:
        if piece.node not in self._next:
            names = self._read(piece).names
            self._next[piece.node] = [found for name in names.used for found in self._named(piece, name, names)]
        return self._next[piece.node]

    def _read(self, piece: Piece) -> _Reading:
        if piece.node not in self._readings:
            self._readings[piece.node] = self._reading(piece)
        return self._readings[piece.node]

    def _reading(self, piece: Piece) -> _Reading:
        twin = piece.module.syntax.twin_or_none(piece.node) or _parsed(piece)
        if twin is None:
            return _Reading("", FreeNames())
        omitted = self._omitted.get(piece.module.name, frozenset())
        omitted = omitted.union(map(id, self._wire_decorators(piece, twin)))
        itself = _first_parameter(piece.node) if piece.owner is not None else None
        key = _Reading, piece.node, omitted, itself
        known: _Reading | None = piece.module.notes.get(key)
        if known is None:
            names = free_names(twin, piece.module.package, omitted, itself)
            known = piece.module.notes[key] = _Reading(digest([twin], omit=omitted), names)
        return known

    def _wire_decorators(self, piece: Piece, twin: ast.AST) -> list[ast.AST]:
        """What says under which name a function is wired, and how."""
        if type(piece.node) is not cst.FunctionDef or not isinstance(twin, ast.FunctionDef | ast.AsyncFunctionDef):
            return []
        both = zip(piece.node.decorators, twin.decorator_list, strict=True)
        return [other for one, other in both if self._is_wiring(piece.module, one.decorator)]

    def _is_wiring(self, module: Module, node: cst.BaseExpression) -> bool:
        called = node.func if isinstance(node, cst.Call) else node
        return wire_kind(self._project.resolve(module, dotted_name(called) or "")) is not None

    # --- names

    def _named(self, piece: Piece, dotted: str, names: FreeNames) -> list[Piece]:
        first, *rest = dotted.split(".")
        value = piece.frame.find(first) if piece.frame is not None else None
        if value is not None:
            if isinstance(value.meaning, FunctionValue):
                return [_piece_of(value.meaning)]
            return self._meant(self._project.members(value.meaning, rest)) if isinstance(value.meaning, Symbol) else []
        if piece.owner is not None and rest and first == _first_parameter(piece.node):
            return self._meant(self._project.members(piece.owner, rest[:1]))
        if first in names.imported:
            return self._meant(self._project.members(self._project.imported(names.imported[first]), rest))
        symbol = self._project.resolve(piece.module, dotted)
        return [] if symbol is None else self._meant(symbol)

    def _meant(self, symbol: Symbol) -> list[Piece]:
        """What a symbol stands for; of an attribute of a value, the value."""
        hops = 0
        while symbol.definition is None and "." in symbol.name:
            hops += 1
            module = self._project.module(symbol.module) if hops < _MAX_HOPS else None  # `x = x.x` never ends
            outer = self._project.resolve(module, symbol.name.rpartition(".")[0]) if module is not None else None
            if outer is None:
                return []
            symbol = outer
        module = self._project.module(symbol.module) if symbol.definition is not None else None
        if module is None:
            return []
        if symbol.function is not None:
            return [Piece(module, symbol.function, owner=symbol.owner)]
        if symbol.class_node is not None:
            return [piece for one in self._lineage(symbol) for piece in self._methods(one)]
        value = symbol.definition.value if isinstance(symbol.definition, Assigned) else None
        return [Piece(module, value)] if value is not None else []

    def _lineage(self, symbol: Symbol) -> list[Symbol]:
        """A class and its bases, as far as they are of the project."""
        found: dict[cst.CSTNode, Symbol] = {}
        waiting = [symbol]
        while waiting:
            one = waiting.pop(0)
            if one.class_node is not None and one.class_node not in found:
                found[one.class_node] = one
                waiting.extend(self._project.base_symbols(one))
        return list(found.values())

    def _methods(self, symbol: Symbol) -> list[Piece]:
        module = self._project.module(symbol.module)
        if module is None or symbol.class_node is None:
            return []
        own = [node for node in symbol.class_node.body.body if isinstance(node, cst.FunctionDef)]
        return [Piece(module, node, owner=symbol) for node in own]


def _piece_of(function: FunctionValue) -> Piece:
    return Piece(function.module, function.node, function.closure)


def _beside_the_point(step: FoundStep) -> list[ast.AST]:
    """The description of a step."""
    call = step.module.syntax.twin(step.call)
    assert isinstance(call, ast.Call)
    return [keyword for keyword in call.keywords if keyword.arg == "description"]


def _first_parameter(node: cst.CSTNode) -> str | None:
    """`self`, however it is called."""
    if not isinstance(node, cst.FunctionDef):
        return None
    params = (*node.params.posonly_params, *node.params.params)
    return params[0].name.value if params else None


def _parsed(piece: Piece) -> ast.AST | None:
    """What is written there, read once more: constants have no twins."""
    key = _parsed, piece.node
    notes = piece.module.notes
    if key not in notes:
        try:
            notes[key] = ast.parse(f"({_WRITER.code_for_node(piece.node).strip()}\n)", mode="eval").body
        except (SyntaxError, RecursionError, MemoryError):
            notes[key] = None
    parsed: ast.AST | None = notes[key]
    return parsed
