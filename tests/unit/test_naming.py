from __future__ import annotations

import keyword
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyflow_core import naming

DETERMINISTIC = settings(max_examples=80, derandomize=True, deadline=None, database=None)


@pytest.mark.parametrize("name", ["a", "onboarding", "users.create", "a-b_c.d1", "a" * 200])
def test_workflows_and_rpcs_may_be_called(name):
    assert naming.is_valid_name(name)


@pytest.mark.parametrize(
    "name", ["", "A", "1a", "a.", ".a", "a..b", "a.1", "a b", "a\n", "é", "a" * 201, "a/b", "a'", "__import__"]
)
def test_workflows_and_rpcs_may_not_be_called(name):
    assert not naming.is_valid_name(name)


@pytest.mark.parametrize(
    ("name", "valid"), [("createUser", True), ("a.b-c_1", True), ("1a", False), ("a b", False), ("a\n", False)]
)
def test_literal_step_names(name, valid):
    assert naming.is_valid_step_literal(name) is valid


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("item 7: größe", True),
        ("x" * 200, True),
        ("", False),
        ("x" * 201, False),
        ("a\nb", False),
        ("a\0", False),
        ("a\u2028b", False),
        ("\ud800", False),
    ],
)
def test_step_names_of_a_run(name, valid):
    assert naming.is_valid_step_name(name) is valid


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("createUser", "CreateUser"),
        ("user-onboarding", "UserOnboarding"),
        ("users.create", "UsersCreate"),
        ("notify-*", "NotifyEach"),
        ("*", "Each"),
        ("1-shot", "N1Shot"),
        ("---", "N"),
    ],
)
def test_class_names_are_camel_case(name, expected):
    assert naming.class_name(name) == expected


@pytest.mark.parametrize("name", ["none", "true", "false", "class", "match", "type"])
def test_no_generated_name_is_a_keyword(name):
    for generated in (
        naming.class_name(name),
        naming.worker_name(name),
        naming.client_class(name),
        naming.module_name(name),
    ):
        assert generated.isidentifier() and not keyword.iskeyword(generated)


def test_workers_are_named_by_workflow_and_step():
    assert naming.worker_name("onboarding") == "Onboarding"
    assert naming.worker_name("onboarding", "notify-*") == "OnboardingNotifyEach"
    assert naming.worker_name("none", "a") == "NoneA"


def test_queues_and_tasks():
    assert naming.orchestrator_queue("onboarding") == "workflow-onboarding-orchestrator"
    assert naming.step_queue("onboarding", "createUser") == "workflow-onboarding-createUser"
    assert naming.step_task("onboarding", "createUser") == "workflow.step:onboarding:createUser"
    assert naming.run_task("onboarding") == "workflow.run:onboarding"


def test_a_step_belongs_to_the_literal_that_equals_it():
    assert naming.match_step("notify-all", ["notify-all"], ["notify-*"]) == "notify-all"


def test_a_step_belongs_to_the_pattern_with_the_most_literal_text():
    assert naming.match_step("notify-mail-7", [], ["*", "notify-*", "notify-mail-*"]) == "notify-mail-*"
    assert naming.match_step("ab", [], ["b*", "a*", "*b"]) == "*b"


def test_a_step_that_nothing_matches_belongs_to_the_star():
    assert naming.match_step("other", ["notify"], ["notify-*"]) == "*"


def test_what_a_pattern_holds_is_no_regular_expression():
    assert naming.match_step("a.c", [], ["a.*"]) == "a.*"
    assert naming.match_step("abc", [], ["a.*"]) == "*"


@DETERMINISTIC
@given(st.text("ab*", max_size=8), st.text("ab\n", max_size=10))
def test_patterns_match_like_a_plain_expression(pattern, name):
    plain = re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)
    assert bool(naming.pattern_regex(pattern).fullmatch(name)) == bool(plain.fullmatch(name))


def test_a_hostile_step_name_cannot_make_matching_slow():
    # With backtracking this takes longer than any test run.
    assert naming.match_step("a" * 199 + "b", [], ["*a" * 30 + "c"]) == "*"
