"""The step that an RPC function asks for is easily made in a test of that function."""

from __future__ import annotations

from pyflow_core import Step


def test_a_step_is_made_with_what_a_test_is_about_and_no_more() -> None:
    assert Step() == Step("run", "step", 1, "run/1/step", None)
    assert (Step(idempotency_key="a").idempotency_key, Step(attempt=2).attempt) == ("a", 2)
    assert not Step().cancelled()
    assert Step(stops=lambda: True).cancelled()
