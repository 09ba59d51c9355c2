"""The rules that there are to be, by code and name: none is missing, none has another name."""

from __future__ import annotations

from pyflow_inspector import RULES

WANTED = """
    PF101 dynamic-step-name, PF102 duplicate-step-name, PF103 literal-name-in-loop, PF104 invalid-step-name,
    PF105 ambiguous-step-pattern, PF106 generated-name-clash, PF107 unstable-step-name, PF108 invalid-name,
    PF201 unknown-rpc, PF202 wrong-step-arguments, PF203 step-not-awaited, PF204 step-outside-workflow,
    PF205 unresolved-step-target, PF206 workflow-escapes, PF207 nested-step, PF208 late-bound-variable,
    PF209 unreachable-step, PF210 untracked-result-decides,
    PF301 clock, PF302 random, PF303 environment, PF304 file-io, PF305 network-io, PF306 thread-or-process,
    PF307 asyncio-sleep, PF308 unordered-iteration, PF309 mutable-global, PF310 service-outside-step,
    PF311 foreign-await, PF312 swallowed-cancellation, PF313 blocking-inline-step,
    PF314 step-changes-captured-state, PF315 side-effect-in-finally, PF316 as-completed-over-coroutines,
    PF401 unresolved-function, PF402 duplicate-wiring, PF403 workflow-not-async, PF404 bad-signature,
    PF405 unknown-service, PF406 reserved-service-name, PF407 mutable-default, PF408 dynamic-wiring,
    PF409 invalid-option, PF410 invalid-setting, PF411 unused-ignore, PF412 unknown-code-in-ignore,
    PF413 shared-package-name,
    PF501 missing-annotation, PF502 type-only-import, PF503 unserialisable-type, PF504 type-not-importable,
    PF505 undeclared-result-type, PF506 untyped-data,
    PF901 syntax-error, PF902 file-too-complex, PF903 rule-crashed, PF904 parser-died
"""


def test_every_rule_is_there_under_its_name() -> None:
    wanted = dict(entry.split() for entry in WANTED.split(","))
    assert {code: rule.name for code, rule in RULES.items()} == wanted
