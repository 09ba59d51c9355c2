"""Contract suites: what every implementation of a port must pass, races and fences included.

Only pytest is needed. An implementation's test subclasses a suite, names it `Test…`, and says how to make a service:

    class TestMyState(StateServiceContract):
        async def make_service(self, clock):
            return MyStateService(clock=clock)
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{module}"
        for module in (
            "bench",
            "state_activation",
            "state_cancel",
            "state_claim",
            "state_event",
            "state_lease",
            "state_ledger",
            "state_list",
            "state_outbox",
            "state_race",
            "state_redrive",
            "state_run",
            "state_step",
            "state_value",
            "queue",
            "payload",
            "payload_reading",
        )
    )
)
