"""Names: what is allowed, and which queue, task, worker and module a name leads to.

The inspector, the generator and the running side must agree on every one of these, so they all ask here.
"""

from __future__ import annotations

import keyword
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DYNAMIC = "<dynamic>"
"""Stands in metadata for a name, RPC or description that is no literal."""

NAME_PATTERN = r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*"
STEP_LITERAL_PATTERN = r"[A-Za-z][A-Za-z0-9_.-]*"
MAX_NAME_LENGTH = 200

_NAME = re.compile(NAME_PATTERN)
_STEP_LITERAL = re.compile(STEP_LITERAL_PATTERN)
_WORD = re.compile(r"[A-Za-z0-9]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")


def is_valid_name(name: str) -> bool:
    """Whether `name` may name a workflow or an RPC."""
    return len(name) <= MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


def is_valid_step_literal(name: str) -> bool:
    """Whether `name` may be written as a literal step name."""
    return len(name) <= MAX_NAME_LENGTH and _STEP_LITERAL.fullmatch(name) is not None


def is_valid_step_name(name: str) -> bool:
    """Whether a step may bear `name` at run time: 1 to 200 characters, no control characters."""
    # The first test settles nearly every name, and costs a fraction of the second.
    return 1 <= len(name) <= MAX_NAME_LENGTH and (name.isprintable() or _CONTROL.search(name) is None)


def orchestrator_queue(workflow: str) -> str:
    """The queue on which the runs of `workflow` wait for their orchestrator."""
    return f"workflow-{workflow}-orchestrator"


def step_queue(workflow: str, step: str) -> str:
    """The queue of a step, `step` being its literal name or its pattern."""
    return f"workflow-{workflow}-{step}"


def run_task(workflow: str) -> str:
    """The task name of an orchestrator job."""
    return f"workflow.run:{workflow}"


def step_task(workflow: str, step: str) -> str:
    """The task name of a step job, by which workers and tools recognise it."""
    return f"workflow.step:{workflow}:{step}"


def class_name(name: str) -> str:
    """The CamelCase form of a workflow, step or pattern name: `notify-*` becomes `NotifyEach`."""
    return _not_keyword(_camel_case(name))


def worker_name(workflow: str, step: str | None = None) -> str:
    """The class of the generated worker of a workflow or of one of its steps."""
    return _not_keyword(_camel_case(workflow) + ("" if step is None else _camel_case(step)))


def module_name(name: str) -> str:
    """The identifier under which a workflow or an RPC segment appears in generated code."""
    text = re.sub(r"[^a-z0-9_]", "_", name)
    return f"{text}_" if keyword.issoftkeyword(text) else _not_keyword(text)


def client_class(workflow: str) -> str:
    """The class of the generated typed client of a workflow."""
    return f"{_camel_case(workflow)}Client"


def _camel_case(name: str) -> str:
    words = _WORD.findall(name.replace("*", " each "))
    text = "".join(word[0].upper() + word[1:] for word in words)
    return text if text and not text[0].isdigit() else f"N{text}"


def _not_keyword(name: str) -> str:
    # A workflow may be called `none` as well as `class`.
    return f"{name}_" if keyword.iskeyword(name) else name


@lru_cache(maxsize=1024)
def pattern_regex(pattern: str) -> re.Pattern[str]:
    """The regular expression of a step pattern, in which each `*` stands for any text.

    A step name may hold text of a user's, so it must not be able to make matching slow: between two `*` the first
    place where the text fits is as good as any other, and the expression never comes back to try a later one.
    """
    first, *rest = (re.escape(part) for part in pattern.split("*"))
    if not rest:
        return re.compile(first)
    between = "".join(f"(?>.*?{part})" for part in rest[:-1])
    return re.compile(f"{first}{between}.*{rest[-1]}", re.DOTALL)


def match_step(step_name: str, literals: Iterable[str], patterns: Iterable[str]) -> str:
    """The literal or pattern that a step name of a run belongs to.

    The literal that equals it, else the matching pattern with the most literal text, else `*`.
    """
    if step_name in literals:
        return step_name
    matching = [pattern for pattern in patterns if pattern_regex(pattern).fullmatch(step_name)]
    return min(matching, key=lambda pattern: (-len(pattern.replace("*", "")), pattern), default="*")
