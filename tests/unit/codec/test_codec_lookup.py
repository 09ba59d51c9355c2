from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any, Literal, NoReturn

import pytest
from pydantic import BaseModel, Field, ImportString

from pyflow_core.codec import PLAIN, codec_for
from pyflow_core.codec.typed import TypedCodec
from pyflow_core.errors import UnserialisableValueError


class Unknown:
    pass


class Exploding:
    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        raise LookupError("no schema today")


class Broken(BaseModel):
    inner: Missing  # noqa: F821 - that is the point


@pytest.mark.parametrize("annotation", [Any, object, Parameter.empty, Signature.empty])
def test_undeclared_values_are_plain(annotation):
    assert codec_for(annotation) is PLAIN


@pytest.mark.parametrize("annotation", [int, None, list[int], int | None, Literal["a"], Annotated[int, Field(gt=0)]])
def test_a_codec_is_built_once(annotation):
    assert codec_for(annotation) is codec_for(annotation)
    assert isinstance(codec_for(annotation), TypedCodec)


def test_annotations_that_cannot_be_hashed_are_remembered_too():
    annotation = Annotated[int, {"unhashable": []}]
    with pytest.raises(TypeError):
        hash(annotation)
    assert codec_for(annotation) is codec_for(annotation)
    assert codec_for(annotation).encode(1) == "1"


def test_types_that_are_equal_to_python_but_read_differently_have_their_own_codecs():
    assert (int | str) == (str | int)
    assert codec_for(int | str).annotation.__args__ == (int, str)
    assert codec_for(str | int).annotation.__args__ == (str, int)
    assert codec_for(list[int | str]) is not codec_for(list[str | int])
    assert codec_for(Literal[1]) is not codec_for(Literal[True])


def test_local_classes_of_one_name_have_their_own_codecs():
    def make():
        class Local(BaseModel):
            id: int

        return Local

    one, other = make(), make()
    assert codec_for(list[one]).annotation == list[one]
    assert codec_for(list[other]).annotation == list[other]


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (Unknown, "Unknown"),
        (list[Unknown], "Unknown"),
        (dict[str, Unknown | None], "Unknown"),
        (NoReturn, "NoReturn"),
        (AsyncIterator[int], "AsyncIterator"),
        (Broken, "Broken"),
        (Exploding, "no schema today"),
        (list["Missing"], "Missing"),  # noqa: F821
        (print, "print"),
        (5, "5"),
    ],
)
def test_types_without_a_schema_are_refused_by_name(annotation, name):
    with pytest.raises(UnserialisableValueError, match=r"cannot be stored: .+") as caught:
        codec_for(annotation)
    assert name in caught.value.message
    assert "arbitrary_types_allowed" not in caught.value.message and "\n" not in caught.value.message


def test_values_that_are_read_only_once_are_refused():
    with pytest.raises(UnserialisableValueError, match="declare a list"):
        codec_for(Iterable[int])


class Plugin(BaseModel):
    target: ImportString[Any] | None = None


@pytest.mark.parametrize("annotation", [ImportString, ImportString[Callable[[], int]], list[Plugin]])
def test_a_type_that_imports_what_its_text_names_is_refused(annotation):
    with pytest.raises(UnserialisableValueError, match="may choose what is imported"):
        codec_for(annotation)


def test_a_type_that_holds_functions_is_refused_with_its_first_value():
    with pytest.raises(UnserialisableValueError, match="is not serialisable"):
        codec_for(Callable[[], int]).encode(print)


def test_importing_imports_no_pydantic():
    code = (
        "import pyflow_core.codec, pyflow_core.signature, sys; assert not [n for n in sys.modules if 'pydantic' in n]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
