"""Where the results of certain calls go: of bare `rpc.invoke`s, which no record holds, unless others are named."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_inspector.ast_node import child_nodes
from pyflow_inspector.conduct.scope import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from pyflow_inspector.conduct.scope import Scope
    from pyflow_inspector.conduct.survey import Conduct


class Untracked:
    """Answers whether an expression rests on such a result, through variables, helpers and their arguments."""

    def __init__(self, conduct: Conduct, sources: Collection[ast.AST] | None = None) -> None:
        self._conduct = conduct
        self._sources = conduct.invokes if sources is None else sources
        self._names: dict[tuple[Scope, str], bool] = {}
        self._returns: dict[Scope, bool] = {}
        self._scopes = {stand.scope.node: stand.scope for stand in conduct.bodies if stand.step is None}

    def is_in(self, node: ast.AST, scope: Scope) -> bool:
        """Whether a part of `node` is such a result. What a step gives is recorded, whatever went into it."""
        stack = [node]
        while stack:
            part = stack.pop()
            if part in self._sources:
                return True
            if isinstance(part, FUNCTIONS) or part in self._conduct.step_calls:
                continue
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load) and self._name(part.id, scope):
                return True
            if isinstance(part, ast.Call) and self._result(part):
                return True
            stack.extend(child_nodes(part))
        return False

    def _name(self, name: str, scope: Scope) -> bool:
        found = scope.find(name)
        if found is None:
            return False
        home, bindings = found
        key = home, name
        if key not in self._names:
            self._names[key] = False  # a name that rests on itself
            sources = [one.node for one in bindings if one.how in {"value", "entered", "item"} and one.node is not None]
            given = home.given.get(name, ()) if any(one.how == "parameter" for one in bindings) else ()
            self._names[key] = any(self.is_in(source, home) for source in sources) or any(
                self.is_in(value, place) for value, place in given
            )
        return self._names[key]

    def _result(self, call: ast.Call) -> bool:
        """Whether a helper returns such a result."""
        target = self._conduct.targets.get(call)
        home = None if target is None else self._scopes.get(target.node)
        if home is None:
            return False
        if home not in self._returns:
            self._returns[home] = False  # a function that calls itself
            values = (part.value for part in home.nodes if isinstance(part, ast.Return))
            self._returns[home] = any(self.is_in(value, home) for value in values if value is not None)
        return self._returns[home]
