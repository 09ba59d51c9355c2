"""What rules hold for true of the running side is true."""

from __future__ import annotations

import importlib
import inspect

import pytest

from pyflow_core import StepOptions, wire_rpc, wire_workflow
from pyflow_core.codec import codec_for
from pyflow_core.errors import UnserialisableValueError
from pyflow_core.service import BUILT_IN
from pyflow_inspector.rules.pf202_wrong_step_arguments import _OPTIONS
from pyflow_inspector.rules.pf409_invalid_option import WIRING_OPTIONS
from pyflow_inspector.rules.pf503_unserialisable_type import UNSTORABLE
from pyflow_inspector.wire_function import BUILTIN_SERVICES


@pytest.mark.parametrize("dotted", sorted(UNSTORABLE))
def test_a_type_that_is_called_unstorable_is_refused_by_the_codec(dotted: str) -> None:
    module, _, name = dotted.rpartition(".")
    with pytest.raises(UnserialisableValueError):
        codec_for(getattr(importlib.import_module(module), name))


def test_the_options_of_wirings_are_those_of_the_functions() -> None:
    assert set(WIRING_OPTIONS["rpc"]) == set(inspect.signature(wire_rpc).parameters)
    assert set(WIRING_OPTIONS["workflow"]) == set(inspect.signature(wire_workflow).parameters)


def test_the_options_of_steps_are_those_of_do() -> None:
    assert set(_OPTIONS) == {*StepOptions.__annotations__, "returns"}


def test_what_pyflow_injects_is_the_same_on_both_sides() -> None:
    assert BUILTIN_SERVICES == BUILT_IN
