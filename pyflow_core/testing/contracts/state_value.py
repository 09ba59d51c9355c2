"""Values: stored and given back to the letter, above all those that are easily taken for nothing."""

# ruff: noqa: D102 - the names of tests are their documentation

from __future__ import annotations

import pytest

from pyflow_core.errors import ErrorInfo
from pyflow_core.ports.state import OMITTED, Envelope, RunStatus, Settlement, StepStatus
from pyflow_core.testing.contracts.bench import ONE, RUN, StateBench, ask, reference_text, stored_key
from pyflow_core.testing.contracts.scenario import scenario

ENVELOPES = [
    OMITTED,
    Envelope(inline="0"),
    Envelope(inline="false"),
    Envelope(inline="null"),
    Envelope(inline='""'),
    Envelope(inline="[]"),
    Envelope(inline="{}"),
    Envelope(inline=""),
    Envelope(inline='{"$ref": "payloads/1"}'),
    Envelope(inline='{ "b" : 1.0,  "a": 1e3 }'),
    Envelope(inline="\"Zoë 🙂 \\u0000 'quoted'\""),
    Envelope(inline="9007199254740993"),
    Envelope(reference=reference_text(stored_key("send")), meta='{"kind":"output","bytes":65536}'),
    Envelope(inline="1", meta="", context=""),
    Envelope(inline="1", context='{"trace":"00-1-2-01"}'),
]
"""Among them falsy values, which stores of peers have lost, and a text that looks like a reference but is a value."""


def _name(envelope: Envelope) -> str:
    return ascii(envelope.inline or envelope.reference or envelope)


class ValueContract:
    """Envelopes and errors survive every column that holds them."""

    @pytest.mark.parametrize("value", ENVELOPES, ids=_name)
    @scenario
    async def test_every_value_comes_back_to_the_letter(self, bench: StateBench, value: Envelope) -> None:
        await bench.store.create_run(bench.new_run(input=value), claim_for=ONE)
        await bench.turn(
            asks=[ask("remote")._replace(input=value)], results=[bench.inline("local")._replace(output=value)]
        )
        claim = await bench.claim_step("remote")
        assert claim.input == value
        await bench.other.finish_step(claim, "worker-2", bench.outcome(claim)._replace(output=value))
        await bench.turn(delivered=2, exact=True, settle=Settlement(RunStatus.COMPLETED, value, None))

        history = await bench.history()
        assert (history.run.input, history.run.output) == (value, value)
        assert {step.step_name: step.output for step in history.steps} == {"local": value, "remote": value}
        assert (await bench.step("remote")).input == value
        assert [n.step.output for n in await bench.store.load_after(RUN, 0) if n.step] == [value, value]
        assert (await bench.store.settled([RUN]))[RUN].output == value

    @pytest.mark.parametrize(
        "error",
        [
            ErrorInfo("ValueError", ""),
            ErrorInfo("PaymentDeclined", "no 'funds'\n2nd line", "payment_declined", retryable=False, fields='{"n":0}'),
            ErrorInfo("E", "m", code="", step_name="send", fields="", traceback="Traceback …\n  File"),
        ],
        ids=["plain", "declared", "empty texts"],
    )
    @scenario
    async def test_every_error_comes_back_as_it_was(self, bench: StateBench, error: ErrorInfo) -> None:
        await bench.create()
        await bench.turn(asks=[ask("remote")], results=[bench.inline("local", error=error)])
        await bench.fail(await bench.claim_step("remote"), error=error)
        await bench.turn(delivered=2, exact=True, settle=Settlement(RunStatus.FAILED, OMITTED, error))

        for name in ("local", "remote"):
            step = await bench.step(name)
            assert (step.status, step.error, step.output) == (StepStatus.FAILED, error, OMITTED)
        assert (await bench.run()).error == error
        assert (await bench.store.settled([RUN]))[RUN].error == error
