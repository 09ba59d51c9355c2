"""The pytest plugin, which comes with the package: the fixture `pyflow_engine`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pyflow_core.testing.engine import BlockingEngine


@pytest.fixture
def pyflow_engine() -> Generator[Callable[..., BlockingEngine]]:
    """The real engine on memory and virtual time, for tests that are plain functions.

        def test_sign_up(pyflow_engine):
            engine = pyflow_engine(modules=["app.workflows"], services=Fakes())
            assert engine.run("sign-up", SignUp(email="a@b")).user_id == "1"

    It takes what `pyflow_core.testing.engine` takes; what it gives is closed at the test's end.
    """
    # Imported here: every test run on a machine with pyflow loads this plugin.
    from pyflow_core.testing.engine import BlockingEngine

    with ExitStack() as stack:

        def start(**options: Any) -> BlockingEngine:
            return stack.enter_context(BlockingEngine(**options))

        yield start
