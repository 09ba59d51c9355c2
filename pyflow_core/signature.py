"""What a wired function takes and gives.

Only the annotations of the data and of the result are ever evaluated, each alone and not before it is needed: those of
the services may name things that exist under `TYPE_CHECKING` only.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import Parameter
from types import CellType, FunctionType, MethodType, SimpleNamespace
from typing import Any, cast, get_args, get_origin, get_type_hints

from pyflow_core.codec import PLAIN, Codec, codec_for
from pyflow_core.errors import AnnotationError, SignatureError

_RETURN = "return"
_GENERATORS = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)


@dataclass(frozen=True, slots=True)
class DataParameter:
    """The first positional parameter: what a caller gives."""

    name: str
    required: bool


@dataclass(frozen=True, slots=True)
class ServiceParameter:
    """A keyword-only parameter: what the service factory gives, by name."""

    name: str
    required: bool


class Signature:
    """The signature of a function, a bound method, a `functools.partial` or a wrapper with `__wrapped__`.

    `name` is for messages, `data` is `None` for a function without data, `is_async` tells whether calling it gives a
    coroutine. `data_type` and `result_type` are evaluated when they are first read, and raise `AnnotationError`;
    without an annotation they are `inspect.Parameter.empty`, whose codec is `PLAIN`.
    """

    def __init__(self, func: Callable[..., object]) -> None:
        self.func = func
        self.name = function_name(func)
        self.is_async = inspect.iscoroutinefunction(_entry(func))
        parameters = _parameters(func, self.name)
        self.data = _data_parameter(parameters)
        self.services = tuple(_services(parameters))

    @cached_property
    def data_type(self) -> object:
        """The type of the data; `None` for a function without data."""
        return None if self.data is None else evaluate_annotation(self.func, self.data.name)

    @cached_property
    def result_type(self) -> object:
        """The type of the result, without the awaitable that a plain function may wrap it in."""
        return _result_type(self.func)

    @cached_property
    def data_codec(self) -> Codec:
        """The codec of the data."""
        return codec_for(self.data_type)

    @cached_property
    def result_codec(self) -> Codec:
        """The codec of the result."""
        return codec_for(self.result_type)


def read_signature(func: Callable[..., object]) -> Signature:
    """The signature of a function that is wired; its annotations are not evaluated yet.

    Raises:
        SignatureError: if it takes what pyflow could not give, or is a generator.
    """
    return Signature(func)


def result_codec(func: Callable[..., object]) -> Codec:
    """The codec of what an inline step's function returns. Made for every call, so lambdas cost next to nothing.

    Raises:
        AnnotationError: if the return annotation cannot be evaluated.
    """
    if type(func) is FunctionType and "__wrapped__" not in func.__dict__:
        annotations = _raw_annotations(func)
        if _RETURN not in annotations:
            return PLAIN
        if isinstance(text := annotations[_RETURN], str):
            return _codec_of_text(func, text)
    return codec_for(_result_type(func))


def function_name(func: Callable[..., object]) -> str:
    """The name by which authors know a function: `app.functions:create_user`."""
    inner = innermost_function(func)
    name = getattr(inner, "__qualname__", None) or type(inner).__qualname__
    return f"{getattr(inner, '__module__', None) or type(inner).__module__}:{name}"


def innermost_function(func: Callable[..., object]) -> Callable[..., object]:
    """What is left without wrappers, partial arguments and the instance of a bound method."""
    inner: Any = func
    while True:
        if isinstance(inner, functools.partial):
            inner = cast("functools.partial[object]", inner).func
        elif isinstance(inner, MethodType):
            inner = inner.__func__
        elif hasattr(inner, "__wrapped__"):
            inner = inner.__wrapped__
        elif (call := _call_method(inner)) is not None:
            inner = call
        else:
            return cast("Callable[..., object]", inner)


def evaluate_annotation(func: Callable[..., object], parameter: str) -> object:
    """The type that one annotation means (`"return"` for the result); `Parameter.empty` if there is none.

    Raises:
        AnnotationError: naming the function, the parameter and the name that is not there.
    """
    inner = innermost_function(func)
    annotation = _raw_annotations(inner).get(parameter, Parameter.empty)
    if annotation is Parameter.empty:
        return annotation
    holder = SimpleNamespace(__annotations__={parameter: annotation})
    try:
        hints = get_type_hints(holder, *_namespaces(inner), include_extras=True)
    except Exception as error:  # noqa: BLE001 - it is code of the author's
        raise AnnotationError(_explain(function_name(func), parameter, annotation, error)) from None
    return hints[parameter]


def _call_method(instance: object) -> FunctionType | None:
    method = inspect.getattr_static(type(instance), "__call__", None)
    return method if isinstance(method, FunctionType) else None


# --- parameters


def _entry(func: Callable[..., object]) -> Callable[..., object]:
    """What runs when the function is called: wrappers count, since an `async` wrapper makes it `async`."""
    while isinstance(func, functools.partial):
        func = cast("functools.partial[object]", func).func
    if inspect.isroutine(func) or isinstance(func, type):
        return func
    return cast("Callable[..., object]", type(func).__call__)


def _parameters(func: Callable[..., object], name: str) -> list[Parameter]:
    if any(is_generator(_entry(func)) for is_generator in _GENERATORS):
        raise SignatureError(f"{name} is a generator: return a list, or call a step for each item")
    try:
        parameters = list(_inspect_signature(func).parameters.values())
    except (TypeError, ValueError):
        raise SignatureError(f"{name} has no signature that can be read: wrap it in a function") from None
    bound = _bound_by_keyword(func)
    parameters = [parameter for parameter in parameters if parameter.name not in bound]
    _refuse_unfillable(parameters, name)
    return parameters


def _inspect_signature(func: Callable[..., object]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(func, annotation_format=Format.FORWARDREF)
    return inspect.signature(func)


def _bound_by_keyword(func: Callable[..., object]) -> set[str]:
    names: set[str] = set()
    while isinstance(func, functools.partial):
        partial = cast("functools.partial[object]", func)
        names |= set(partial.keywords)
        func = partial.func
    return names


def _refuse_unfillable(parameters: list[Parameter], name: str) -> None:
    for parameter in parameters:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            raise SignatureError(f"{name} takes *{parameter.name}: take one parameter of data, say a model or a list")
        if parameter.kind is Parameter.VAR_KEYWORD:
            raise SignatureError(f"{name} takes **{parameter.name}: name each service as a keyword-only parameter")
    extra = [parameter.name for parameter in parameters if _is_positional(parameter)][1:]
    if extra:
        raise SignatureError(
            f"{name} takes more than one positional parameter ({', '.join(extra)}): the first is the data; "
            "put `*` before services, and several values into one model"
        )


def _is_positional(parameter: Parameter) -> bool:
    return parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def _data_parameter(parameters: list[Parameter]) -> DataParameter | None:
    if not parameters or not _is_positional(parameters[0]):
        return None
    return DataParameter(parameters[0].name, parameters[0].default is Parameter.empty)


def _services(parameters: list[Parameter]) -> list[ServiceParameter]:
    return [
        ServiceParameter(parameter.name, parameter.default is Parameter.empty)
        for parameter in parameters
        if parameter.kind is Parameter.KEYWORD_ONLY
    ]


# --- annotations

_text_codecs: dict[tuple[int, str], tuple[dict[str, Any], Codec]] = {}
_MAX_TEXT_CODECS = 1024


def _codec_of_text(func: FunctionType, text: str) -> Codec:
    """The codec of an annotation that is text, remembered: a local function is made anew in every execution."""
    if any(name in text for name in func.__code__.co_freevars):
        return codec_for(_result_type(func))  # it may mean another class each time
    key = (id(func.__globals__), text)
    found = _text_codecs.get(key)
    if found is not None and found[0] is func.__globals__:
        return found[1]
    codec = codec_for(_result_type(func))
    if len(_text_codecs) >= _MAX_TEXT_CODECS:
        _text_codecs.clear()
    _text_codecs[key] = (func.__globals__, codec)
    return codec


def _result_type(func: Callable[..., object]) -> object:
    annotation = evaluate_annotation(func, _RETURN)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Awaitable and len(arguments) == 1:
        return arguments[0]
    return arguments[2] if origin is Coroutine and len(arguments) == 3 else annotation


def _raw_annotations(func: Callable[..., object]) -> Mapping[str, object]:
    if sys.version_info >= (3, 14):
        # There annotations are evaluated together when they are first read, and those of services cannot be.
        from annotationlib import Format, get_annotations

        return get_annotations(func, format=Format.FORWARDREF)
    return cast("Mapping[str, object]", getattr(func, "__annotations__", {}))


def _namespaces(func: Callable[..., object]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The names of the function's module, and those of the functions around it that it uses."""
    if not isinstance(func, FunctionType):
        module = sys.modules.get(getattr(func, "__module__", None) or "")
        return dict(vars(module)) if module else {}, {}
    cells = zip(func.__code__.co_freevars, func.__closure__ or (), strict=True)
    around = {name: cell.cell_contents for name, cell in cells if _is_filled(cell)}
    return func.__globals__, around


def _is_filled(cell: CellType) -> bool:
    try:
        return bool(cell.cell_contents) or True
    except ValueError:
        return False


def _explain(name: str, parameter: str, annotation: object, error: Exception) -> str:
    what = "return annotation" if parameter == _RETURN else f"annotation of parameter {parameter!r}"
    text = annotation if isinstance(annotation, str) else str(annotation)
    missing = getattr(error, "name", None) if isinstance(error, NameError) else None
    if missing:
        return (
            f"{name}: the {what}, {text!r}, uses the name {missing!r}, which does not exist when the program runs: "
            f"import it at the top of the module and not under `if TYPE_CHECKING:`, and define it outside of functions"
        )
    return f"{name}: the {what}, {text!r}, cannot be evaluated ({type(error).__name__}: {error})"
