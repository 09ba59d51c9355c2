"""PF202: wrong step arguments."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pyflow_core.suggest import did_you_mean
from pyflow_inspector.rules.rule import Example, ProjectRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyflow_core.metadata import Diagnostic, Severity, Span
    from pyflow_inspector.linked import LinkedProject
    from pyflow_inspector.model import ProjectModel
    from pyflow_inspector.steps.fact import FoundStep, Invoke
    from pyflow_inspector.syntax import Syntax
    from pyflow_inspector.unit import FunctionPlace, Target

_OPTIONS = ("context", "description", "inline_max", "retries", "retry_delay", "returns", "thread", "timeout")
_POSITIONAL = {"step_name", "name", "rpc_name", "rpc", "target", "fn", "func", "function", "call", "data"}
_FORMS = 'write do("step", "rpc.name", data), do("step", rpcs.reference(data)), or do("step", function)'

Problem = tuple["Span", str, str, "Severity"]


class WrongStepArguments(ProjectRule):
    """A step or an invocation is called in a way that its form does not have.

    There are three: `do(step_name, rpc_name, data)`, `do(step_name, rpcs.reference(data))`, and
    `do(step_name, function)` with a function of no arguments. The step's name, the target and the data are given by
    position, options by name. An RPC that takes data is given data, one that takes none is not. All this is refused
    when the step is reached.

    A function that is wired as an RPC is named by its RPC: `"users.create"`, not `create_user`. Given as a function it
    would run in the orchestrator, without its services and its worker.

    `returns=` is for functions; in the other forms it has no effect, which is a warning.
    """

    code = "PF202"
    name = "wrong-step-arguments"
    severity = "error"
    valid = (
        Example(
            """
            from datetime import timedelta
            from functools import partial

            from pyflow_core import wire_rpc, wire_workflow

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_rpc("settings.get")
            async def settings() -> str:
                return "dark"

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow, rpc) -> str:
                await workflow.do("create", "users.create", data, retries=3, timeout=timedelta(seconds=5))
                await workflow.do("settings", "settings.get", description="Read the settings")
                await workflow.do("length", partial(len, data), returns=int)
                return await rpc.invoke("settings.get")
            """
        ),
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow
            from pyflow_gen import rpcs

            @wire_rpc("users.find")
            def find(data: str = "") -> list[str]:
                return [data]

            def count(limit: int = 3) -> int:
                return limit

            @wire_workflow("search")
            async def search(data: str, *, workflow) -> int:
                await workflow.do("all", rpcs.users.find())
                await workflow.do("some", rpcs.users.find(data))
                await workflow.do("every", "users.find")
                return await workflow.do("count", count)
            """
        ),
    )
    invalid = (
        Example(
            """
            from pyflow_core import wire_rpc, wire_workflow
            from pyflow_gen import rpcs

            @wire_rpc("users.create")
            async def create(data: str) -> str:
                return data

            @wire_rpc("settings.get")
            async def settings() -> str:
                return "dark"

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow, rpc) -> None:
                await workflow.do("create", "users.create")
                await workflow.do("again", rpcs.users.create(), retries=1)
                await workflow.do("settings", "settings.get", data)
                await rpc.invoke("settings.get", data)
                await workflow.do("more", rpcs.users.create(data), 1)
                await workflow.do("most", "users.create", data, 2)
            """,
            marks=('"users.create"', "rpcs.users.create", '"settings.get"', '"settings.get"', "1", "2"),
        ),
        Example(
            """
            # file: app/users.py
            from pyflow_core import wire_rpc

            @wire_rpc("users.create")
            async def create_user(data: str) -> str:
                return data

            def double(number: int) -> int:
                return number * 2

            # file: app/workflows.py
            from pyflow_core import wire_workflow

            from app.users import create_user, double

            @wire_workflow("sign-up")
            async def sign_up(data: str, *, workflow) -> None:
                await workflow.do("create", create_user)
                await workflow.do("double", double)
                await workflow.do("lower", lambda text: text.lower())
                await workflow.do("upper", lambda: data.upper(), retry=3)
                await workflow.do("title", lambda: data.title(), data)
            """,
            marks=("create_user", "double", "lambda text: text.lower()", "3", "data"),
        ),
    )

    def check(self, model: ProjectModel) -> Iterator[Diagnostic]:
        """What the call alone says: how many arguments, which options."""
        for wired in model.functions:
            for step in wired.facts.steps:
                for problem in _step_problems(step) if _is_whole(step) else ():
                    yield self._finding(problem)
            for invoke in wired.facts.invokes:
                for problem in _invoke_problems(invoke):
                    yield self._finding(problem)

    def _finding(self, problem: Problem) -> Diagnostic:
        span, message, advice, severity = problem
        return self.at(span, message, advice, severity=severity)

    def check_project(self, linked: LinkedProject) -> Iterator[Diagnostic]:
        """What only the RPC says: whether it takes data, and which function it is."""
        wired = {fact.meta.func: fact.meta.name for fact in reversed(linked.functions)}
        takes = {rpc.meta.name: rpc.data for rpc in linked.rpcs}
        for function in linked.functions:
            for target in function.targets:
                name = linked.rpc_name(target.rpc)
                message = _data_problem(name, target, takes.get(name))
                if message is not None:
                    yield self.at(target.span, message)
        for workflow in linked.workflows:
            for place in workflow.functions:
                found = self._function(place, wired.get(place.func))
                if found is not None:
                    yield found

    def _function(self, place: FunctionPlace, name: str | None) -> Diagnostic | None:
        """What is wrong with the function that an inline step runs."""
        if name is not None:
            message = f"this function is wired as {name!r}, and would run here as plain code"
            return self.at(place.span, message, f"name it: {name!r}, with its data after it")
        if place.needs:
            message = f"a step calls its function without arguments, and this one needs {place.needs!r}"
            return self.at(place.span, message, "bind them: `lambda: function(…)` or `functools.partial(function, …)`")
        return None


def _is_whole(step: FoundStep) -> bool:
    """Whether all arguments stand in the call, and none in a `partial` that it calls."""
    return step.name_node is None or any(arg.value is step.name_node for arg in step.call.args)


def _data_problem(name: str, target: Target, takes: str | None) -> str | None:
    if target.has_data is None or takes is None:
        return None
    if takes == "none" and target.has_data:
        return f"RPC {name!r} takes no data, and is given some"
    if takes == "required" and not target.has_data:
        return f"RPC {name!r} takes data, and is given none"
    return None


def _step_problems(step: FoundStep) -> Iterator[Problem]:
    syntax = step.module.syntax
    call = syntax.twin(step.call)
    assert isinstance(call, ast.Call)
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "do":
        return  # a bound alias may have been given arguments elsewhere
    yield from _option_problems(syntax, call, step)
    if any(isinstance(arg, ast.Starred) for arg in call.args):
        return
    if len(call.args) < 2:
        if not any(word.arg is None for word in call.keywords):
            yield syntax.span(call), "a step takes a name and a target, by position", _FORMS, "error"
        return
    most = 3 if step.form.type == "rpc" and not step.form.is_reference else 2
    if len(call.args) > most and (step.form.problem is None or len(call.args) > 3):
        yield syntax.span(call.args[most]), _too_many(step), _FORMS, "error"


def _too_many(step: FoundStep) -> str:
    if step.form.type == "inline":
        return "the function of a step is called without arguments, and takes no data"
    if step.form.is_reference:
        return "a typed reference is called with its data, and takes none after it"
    return "a step takes a name, a target and its data, and nothing more by position"


def _option_problems(syntax: Syntax, call: ast.Call, step: FoundStep) -> Iterator[Problem]:
    for word in call.keywords:
        if word.arg is None:
            continue
        span = syntax.span(word.value)
        if word.arg in _POSITIONAL:
            yield span, f"{word.arg!r} is given by position, not by name", _FORMS, "error"
        elif word.arg not in _OPTIONS:
            near = did_you_mean(word.arg, _OPTIONS).removeprefix("; ")
            yield span, f"a step has no option {word.arg!r}", near or "remove it", "error"
        elif word.arg == "returns" and step.form.type == "rpc" and step.form.problem is None:
            message = "`returns` has no effect here: the RPC says what it returns"
            yield span, message, "remove it", "warning"


def _invoke_problems(invoke: Invoke) -> Iterator[Problem]:
    syntax = invoke.place.module.syntax
    call = syntax.twin(invoke.call)
    assert isinstance(call, ast.Call)
    most = 1 if invoke.is_reference else 2
    if isinstance(call.func, ast.Attribute) and not any(isinstance(arg, ast.Starred) for arg in call.args):
        advice = 'write rpc.invoke("rpc.name", data) or rpc.invoke(rpcs.reference(data))'
        for arg in call.args[most:]:
            yield syntax.span(arg), "an invocation takes an RPC and its data, and nothing more", advice, "error"
        for word in call.keywords:
            if word.arg is not None:
                yield syntax.span(word.value), "an invocation takes no options", advice, "error"
