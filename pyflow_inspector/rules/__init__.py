"""Every rule, by its code. A rule lives in a file of its own, with its documentation and its examples."""

from __future__ import annotations

from pyflow_inspector.rules.pf101_dynamic_step_name import DynamicStepName
from pyflow_inspector.rules.pf102_duplicate_step_name import DuplicateStepName
from pyflow_inspector.rules.pf103_literal_name_in_loop import LiteralNameInLoop
from pyflow_inspector.rules.pf104_invalid_step_name import InvalidStepName
from pyflow_inspector.rules.pf105_ambiguous_step_pattern import AmbiguousStepPattern
from pyflow_inspector.rules.pf106_generated_name_clash import GeneratedNameClash
from pyflow_inspector.rules.pf107_unstable_step_name import UnstableStepName
from pyflow_inspector.rules.pf108_invalid_name import InvalidName
from pyflow_inspector.rules.pf201_unknown_rpc import UnknownRpc
from pyflow_inspector.rules.pf202_wrong_step_arguments import WrongStepArguments
from pyflow_inspector.rules.pf203_step_not_awaited import StepNotAwaited
from pyflow_inspector.rules.pf204_step_outside_workflow import StepOutsideWorkflow
from pyflow_inspector.rules.pf205_unresolved_step_target import UnresolvedStepTarget
from pyflow_inspector.rules.pf206_workflow_escapes import WorkflowEscapes
from pyflow_inspector.rules.pf207_nested_step import NestedStep
from pyflow_inspector.rules.pf208_late_bound_variable import LateBoundVariable
from pyflow_inspector.rules.pf209_unreachable_step import UnreachableStep
from pyflow_inspector.rules.pf210_untracked_result_decides import UntrackedResultDecides
from pyflow_inspector.rules.pf301_clock import Clock
from pyflow_inspector.rules.pf302_random import Random
from pyflow_inspector.rules.pf303_environment import Environment
from pyflow_inspector.rules.pf304_file_io import FileIo
from pyflow_inspector.rules.pf305_network_io import NetworkIo
from pyflow_inspector.rules.pf306_thread_or_process import ThreadOrProcess
from pyflow_inspector.rules.pf307_asyncio_sleep import AsyncioSleep
from pyflow_inspector.rules.pf308_unordered_iteration import UnorderedIteration
from pyflow_inspector.rules.pf309_mutable_global import MutableGlobal
from pyflow_inspector.rules.pf310_service_outside_step import ServiceOutsideStep
from pyflow_inspector.rules.pf311_foreign_await import ForeignAwait
from pyflow_inspector.rules.pf312_swallowed_cancellation import SwallowedCancellation
from pyflow_inspector.rules.pf313_blocking_inline_step import BlockingInlineStep
from pyflow_inspector.rules.pf314_step_changes_captured_state import StepChangesCapturedState
from pyflow_inspector.rules.pf315_side_effect_in_finally import SideEffectInFinally
from pyflow_inspector.rules.pf316_as_completed_over_coroutines import AsCompletedOverCoroutines
from pyflow_inspector.rules.pf401_unresolved_function import UnresolvedFunction
from pyflow_inspector.rules.pf402_duplicate_wiring import DuplicateWiring
from pyflow_inspector.rules.pf403_workflow_not_async import WorkflowNotAsync
from pyflow_inspector.rules.pf404_bad_signature import BadSignature
from pyflow_inspector.rules.pf405_unknown_service import UnknownService
from pyflow_inspector.rules.pf406_reserved_service_name import ReservedServiceName
from pyflow_inspector.rules.pf407_mutable_default import MutableDefault
from pyflow_inspector.rules.pf408_dynamic_wiring import DynamicWiring
from pyflow_inspector.rules.pf409_invalid_option import InvalidOption
from pyflow_inspector.rules.pf410_invalid_setting import InvalidSetting
from pyflow_inspector.rules.pf411_unused_ignore import UnusedIgnore
from pyflow_inspector.rules.pf412_unknown_code_in_ignore import UnknownCodeInIgnore
from pyflow_inspector.rules.pf413_shared_package_name import SharedPackageName
from pyflow_inspector.rules.pf501_missing_annotation import MissingAnnotation
from pyflow_inspector.rules.pf502_type_only_import import TypeOnlyImport
from pyflow_inspector.rules.pf503_unserialisable_type import UnserialisableType
from pyflow_inspector.rules.pf504_type_not_importable import TypeNotImportable
from pyflow_inspector.rules.pf505_undeclared_result_type import UndeclaredResultType
from pyflow_inspector.rules.pf506_untyped_data import UntypedData
from pyflow_inspector.rules.pf901_syntax_error import SyntaxErrorFound
from pyflow_inspector.rules.pf902_file_too_complex import FileTooComplex
from pyflow_inspector.rules.pf903_rule_crashed import RuleCrashed
from pyflow_inspector.rules.pf904_parser_died import ParserDied
from pyflow_inspector.rules.rule import Example, IgnoreRule, InternalRule, ProjectRule, Rule

ALL: tuple[type[Rule], ...] = (
    DynamicStepName,
    DuplicateStepName,
    LiteralNameInLoop,
    InvalidStepName,
    AmbiguousStepPattern,
    GeneratedNameClash,
    UnstableStepName,
    InvalidName,
    UnknownRpc,
    WrongStepArguments,
    StepNotAwaited,
    StepOutsideWorkflow,
    UnresolvedStepTarget,
    WorkflowEscapes,
    NestedStep,
    LateBoundVariable,
    UnreachableStep,
    UntrackedResultDecides,
    Clock,
    Random,
    Environment,
    FileIo,
    NetworkIo,
    ThreadOrProcess,
    AsyncioSleep,
    UnorderedIteration,
    MutableGlobal,
    ServiceOutsideStep,
    ForeignAwait,
    SwallowedCancellation,
    BlockingInlineStep,
    StepChangesCapturedState,
    SideEffectInFinally,
    AsCompletedOverCoroutines,
    UnresolvedFunction,
    DuplicateWiring,
    WorkflowNotAsync,
    BadSignature,
    UnknownService,
    ReservedServiceName,
    MutableDefault,
    DynamicWiring,
    InvalidOption,
    InvalidSetting,
    UnusedIgnore,
    UnknownCodeInIgnore,
    SharedPackageName,
    MissingAnnotation,
    TypeOnlyImport,
    UnserialisableType,
    TypeNotImportable,
    UndeclaredResultType,
    UntypedData,
    SyntaxErrorFound,
    FileTooComplex,
    RuleCrashed,
    ParserDied,
)

RULES: dict[str, Rule] = {rule.code: rule() for rule in ALL}

__all__ = ["ALL", "RULES", "Example", "IgnoreRule", "InternalRule", "ProjectRule", "Rule"]
