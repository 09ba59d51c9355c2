from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Coroutine  # noqa: TC003 - pyflow evaluates them
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import pytest

from pyflow_core.codec import PLAIN, codec_for
from pyflow_core.errors import AnnotationError, SignatureError, UnserialisableValueError
from pyflow_core.signature import read_signature, result_codec

if TYPE_CHECKING:
    from nowhere import Hidden


@dataclass
class User:
    id: str


async def create_user(data: User, *, db: Hidden, cache: Hidden = None) -> list[User]: ...


async def no_data(*, db: Hidden) -> None: ...


async def default_data(data: int = 3) -> int: ...


async def bare(data): ...


def test_the_first_positional_parameter_is_the_data():
    signature = read_signature(create_user)
    assert signature.data.name == "data" and signature.data.required
    assert signature.data_type is User
    assert signature.result_type == list[User]
    assert signature.name == f"{__name__}:create_user"
    assert signature.is_async


def test_keyword_only_parameters_are_services():
    services = read_signature(create_user).services
    assert [(service.name, service.required) for service in services] == [("db", True), ("cache", False)]


def test_a_function_may_take_no_data():
    signature = read_signature(no_data)
    assert signature.data is None
    assert signature.data_type is None and signature.data_codec.encode(None) == "null"


def test_data_may_have_a_default():
    assert not read_signature(default_data).data.required


def test_without_annotations_values_are_plain():
    signature = read_signature(bare)
    assert signature.data_type is Parameter.empty
    assert signature.data_codec is PLAIN and signature.result_codec is PLAIN


def test_codecs_are_those_of_the_annotations():
    signature = read_signature(create_user)
    assert signature.data_codec is codec_for(User)
    assert signature.result_codec is codec_for(list[User])


def test_nothing_is_evaluated_before_it_is_needed():
    async def broken(data: Hidden) -> Hidden: ...

    signature = read_signature(broken)
    with pytest.raises(AnnotationError):
        _ = signature.data_type


def test_each_annotation_is_evaluated_alone():
    async def half(data: Hidden) -> int: ...

    assert read_signature(half).result_type is int


def test_a_name_that_does_not_exist_is_named_with_what_to_do():
    async def broken(order: list[Hidden]) -> None: ...

    with pytest.raises(AnnotationError) as caught:
        _ = read_signature(broken).data_type
    message = caught.value.message
    assert "broken: the annotation of parameter 'order', 'list[Hidden]', uses the name 'Hidden'" in message
    assert "TYPE_CHECKING" in message


def test_other_failures_of_an_annotation_are_told():
    async def broken() -> "1 +": ...  # noqa: F722

    with pytest.raises(AnnotationError, match=r"the return annotation, .*cannot be evaluated \(SyntaxError"):
        _ = read_signature(broken).result_type


def test_text_inside_of_an_annotation_is_evaluated_too():
    async def quoted(data: list["User"]) -> Annotated["User", "kept"]: ...  # noqa: UP037

    signature = read_signature(quoted)
    assert signature.data_type == list[User]
    assert signature.result_type == Annotated[User, "kept"]


def test_names_of_the_functions_around_are_found_if_the_function_uses_them():
    @dataclass
    class Local:
        id: int

    async def local(data: int) -> Local:
        return Local(data)

    assert read_signature(local).result_type is Local
    assert result_codec(local).encode(Local(1)) == '{"id":1}'


class Service:
    async def create(self, data: User, *, db: Hidden) -> User: ...

    @classmethod
    async def make(cls, data: User) -> User: ...

    @staticmethod
    def build(data: User) -> User: ...


class CallableObject:
    async def __call__(self, data: User, *, db: Hidden) -> User: ...


def passing_on(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    async def wrapper(*args: Hidden, **kwargs: Hidden) -> Hidden:
        return await func(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("func", "services"),
    [
        (Service().create, ["db"]),
        (Service.make, []),
        (Service.build, []),
        (CallableObject(), ["db"]),
        (passing_on(create_user), ["db", "cache"]),
        (passing_on(passing_on(Service().create)), ["db"]),
        (functools.partial(create_user), ["db", "cache"]),
        (functools.partial(create_user, db=1), ["cache"]),
        (functools.partial(functools.partial(passing_on(create_user), db=1), cache=2), []),
    ],
)
def test_whatever_can_be_called_is_read(func, services):
    signature = read_signature(func)
    assert signature.data.name == "data"
    assert signature.data_type is User
    assert [service.name for service in signature.services] == services
    assert signature.result_type in (User, list[User])
    assert signature.is_async is (func is not Service.build)


def test_data_that_a_partial_gives_is_no_data_any_more():
    assert read_signature(functools.partial(create_user, User("a"))).data is None
    assert read_signature(functools.partial(create_user, data=User("a"))).data is None


async def args(*data): ...
async def kwargs(data, **services): ...
async def two(data, db, *, other): ...
async def generator(data):
    yield data


def plain_generator(data):
    yield data


@pytest.mark.parametrize(
    ("func", "what"),
    [
        (args, r"takes \*data"),
        (kwargs, r"takes \*\*services: name each service as a keyword-only parameter"),
        (two, r"more than one positional parameter \(db\).*put `\*` before services"),
        (Service.create, r"more than one positional parameter \(data\)"),
        (generator, "is a generator"),
        (plain_generator, "is a generator"),
        (passing_on(two), "more than one positional"),
        (functools.partial(generator), "is a generator"),
        (max, "has no signature|more than one|takes"),
    ],
)
def test_what_pyflow_cannot_call_is_refused(func, what):
    with pytest.raises(SignatureError, match=what) as caught:
        read_signature(func)
    assert getattr(func, "__name__", "generator") in caught.value.message


def test_a_plain_function_that_gives_an_awaitable_has_the_type_of_what_is_awaited():
    def one() -> Awaitable[User]: ...
    def other() -> Coroutine[Any, Any, User]: ...

    assert read_signature(one).result_type is User
    assert read_signature(other).result_type is User
    assert result_codec(other) is codec_for(User)


def test_inline_functions():
    async def typed() -> User: ...
    async def untyped(): ...
    def broken() -> Hidden: ...

    assert result_codec(lambda: 1) is PLAIN
    assert result_codec(untyped) is PLAIN
    assert result_codec(typed) is codec_for(User)
    assert result_codec(typed) is codec_for(User)
    assert result_codec(functools.partial(typed)) is codec_for(User)
    assert result_codec(passing_on(typed)) is codec_for(User)
    with pytest.raises(AnnotationError):
        result_codec(broken)


def test_a_local_class_is_not_mistaken_for_one_of_the_same_name():
    def make():
        @dataclass
        class Local:
            id: int

        def inline() -> Local:
            return Local(1)

        return Local, inline

    for local, inline in (make(), make()):
        assert result_codec(inline).annotation is local


def test_a_type_that_cannot_be_stored_is_refused_when_its_codec_is_needed():
    async def connect(data: int) -> Service: ...

    signature = read_signature(connect)
    with pytest.raises(UnserialisableValueError, match=r"Service"):
        _ = signature.result_codec
