from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import assert_type

from app.workflows.onboarding import OnboardingInput, OnboardingOutput
from pyflow_core import BlockingRunHandle, Run, RunHandle, RunStatus
from pyflow_gen import Workflows, blocking, connect, workflows

if TYPE_CHECKING:
    from pyflow_core.ports.state import RunPage


async def script() -> None:
    async with connect():
        run = await workflows.onboarding.start(OnboardingInput(email="a@b"), run_id="r", tags=["t"], actor="me")
        assert_type(run, RunHandle[OnboardingOutput])
        assert_type(await run.result(timeout=30), OnboardingOutput)
        assert_type(workflows.onboarding.handle("r"), RunHandle[OnboardingOutput])
        assert_type(await workflows.onboarding.get_run("r"), Run)
        assert_type(await workflows.onboarding.cancel_run("r"), RunStatus)
        page: RunPage = await workflows.onboarding.list_runs(status=RunStatus.COMPLETED, tag="t", since=0.0, limit=5)
        assert page
    async with connect(state="memory://", worker=True) as client:
        out = await Workflows(client).onboarding.run(OnboardingInput(email="a@b"), timeout=30)
        assert_type(out, OnboardingOutput)


def command_line() -> None:
    run = blocking.workflows.onboarding.start(OnboardingInput(email="a@b"))
    assert_type(run, BlockingRunHandle[OnboardingOutput])
    assert_type(run.result(timeout=30), OnboardingOutput)
    assert_type(blocking.workflows.onboarding.run(OnboardingInput(email="a@b")), OnboardingOutput)
    assert_type(blocking.workflows.onboarding.handle("r"), BlockingRunHandle[OnboardingOutput])
    assert_type(blocking.workflows.onboarding.get_run("r"), Run)
