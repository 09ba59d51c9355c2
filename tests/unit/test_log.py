"""What pyflow logs of trouble holds no secrets, whoever made the error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pyflow_core.log import logger

if TYPE_CHECKING:
    import pytest

TROUBLE = "no answer from postgresql://app:hunter2@db/orders"


def test_a_warning_is_logged_without_the_password_of_a_url(caplog: pytest.LogCaptureFixture) -> None:
    log = logger("pyflow.test")
    log.warning("store.trouble: %s", TROUBLE)
    log.warning("store.trouble: %s of %d", "nothing secret", 3)
    assert caplog.messages == [
        "store.trouble: no answer from postgresql://[redacted]@db/orders",
        "store.trouble: nothing secret of 3",
    ]
    assert caplog.records[1].args == ("nothing secret", 3)  # who groups records by their text can go on to


def test_a_traceback_is_logged_without_the_password_of_a_url(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ConnectionError(TROUBLE)

    try:
        fail()
    except ConnectionError:
        logger("pyflow.test").exception("it failed")
    shown = logging.Formatter().format(caplog.records[0])
    assert "ConnectionError: no answer from postgresql://[redacted]@db/orders" in shown
    assert "hunter2" not in shown + caplog.text
