"""PF302: random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyflow_inspector.rules.call_rule import CallRule
from pyflow_inspector.rules.rule import Example

if TYPE_CHECKING:
    from pyflow_inspector.conduct.site import CallFact

_SEEDED = {"random.Random", "numpy.random.default_rng", "numpy.random.RandomState"}
"""Generators that give the same each time if they are made with a seed."""


class Random(CallRule):
    """Workflow code draws something at random.

    A replay calls the workflow again, and draws again: another identifier, another sample, another winner. What was
    done under the first draw is then not found in the record, or is done once more under the second. The same holds
    for `hash` and `id`, which differ from process to process.

    Let a step draw. Its result is kept, and every replay sees the same one:

        order_id = await workflow.do("orderId", lambda: str(uuid4()))

    For something that only has to be unique, `workflow.run_id` may do. `random.Random(seed)` is the same each time if
    its seed is.
    """

    code = "PF302"
    name = "random"
    severity = "warning"
    kind = "random"
    step = "draw"
    because = "a replay gets something else"
    valid = (
        Example(
            """
            from uuid import UUID, uuid4, uuid5

            from pyflow_core import wire_workflow

            SHOP = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")

            @wire_workflow("order")
            async def order(data: str, *, workflow) -> str:
                order_id = await workflow.do("orderId", lambda: str(uuid4()))
                receipt = uuid5(SHOP, order_id)
                return f"{receipt} {workflow.run_id}"
            """
        ),
        Example(
            """
            # file: app/sample.py
            import random

            def sample(names: list[str], seed: str) -> list[str]:
                return random.Random(seed).sample(names, 3)

            # file: app/example.py
            import secrets

            from pyflow_core import wire_workflow

            from app.sample import sample

            @wire_workflow("survey")
            async def survey(data: list[str], *, workflow) -> list[str]:
                async def draw_token() -> str:
                    return secrets.token_hex()
                await workflow.do("token", draw_token)
                return sample(data, workflow.run_id)
            """
        ),
    )
    invalid = (
        Example(
            """
            import random
            import uuid

            from pyflow_core import wire_workflow

            @wire_workflow("order")
            async def order(data: list[str], *, workflow) -> str:
                order_id = uuid.uuid4()
                winner = random.choice(data)
                shard = hash(winner) % 16
                return await workflow.do("create", lambda: f"{order_id}-{winner}-{shard}")
            """,
            marks=("uuid.uuid4()", "random.choice(data)", "hash(winner)"),
        ),
        Example(
            """
            # file: app/naming.py
            from random import Random
            from secrets import token_urlsafe as token

            def coupon() -> str:
                return f"{token(4)}{Random().randint(1, 9)}"

            # file: app/example.py
            from pyflow_core import wire_workflow

            from app.naming import coupon

            @wire_workflow("campaign")
            async def campaign(data: str, *, workflow) -> None:
                code = coupon()
                await workflow.do("publish", lambda: code)
            """,
            marks=("token(4)", "Random()"),
        ),
    )

    def applies(self, call: CallFact) -> bool:
        """A generator with a seed is no case, nor is a hash that only dictionaries and sets will see."""
        is_seeded = call.dotted in _SEEDED and bool(call.node.args)
        is_hash = getattr(call.site.scope.node, "name", None) == "__hash__"
        return not is_seeded and not is_hash and super().applies(call)
