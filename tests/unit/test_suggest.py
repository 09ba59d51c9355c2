"""Which name is meant by one that does not exist."""

from __future__ import annotations

import pytest

from pyflow_core.suggest import did_you_mean, nearest

RPCS = ["billing.charge", "notify.send", "users.create", "users.delete", "users.find-all"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("users.creat", "users.create"),
        ("user.create", "users.create"),
        ("Users.Create", "users.create"),
        ("users_create", "users.create"),
        ("users.findAll", "users.find-all"),
        ("users.cretae", "users.create"),
        ("payments.charge", "billing.charge"),
        ("charge", "billing.charge"),
        ("send", "notify.send"),
        ("", None),
        ("xyz", None),
    ],
)
def test_the_nearest_rpc(name: str, meant: str | None) -> None:
    assert nearest(name, RPCS) == meant


def test_of_names_that_are_equally_near_the_one_that_begins_alike_is_meant() -> None:
    assert nearest("retry", ["returns", "retries"]) == "retries"


def test_two_names_that_end_alike_are_no_suggestion() -> None:
    assert nearest("postcards.send", ["mail.send", "notify.send"]) is None


def test_the_suggestion_is_worded_for_the_end_of_a_message() -> None:
    assert did_you_mean("users.creat", RPCS) == "; did you mean 'users.create'?"
    assert did_you_mean("zzz", ["a", "b"]) == "; known: a, b"
    assert did_you_mean("zzz", []) == ""
