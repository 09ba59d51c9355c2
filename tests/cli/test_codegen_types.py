from __future__ import annotations

import pytest
from cli_sample import type_of

from pyflow_cli.codegen.types import TypeWriter, UnresolvedTypeError
from pyflow_core.metadata import TypeMeta

USER = {"User": "app.models:User"}


@pytest.mark.parametrize(
    ("text", "refs", "written"),
    [
        ("User", USER, "_app_models.User"),
        ("list[User] | None", USER, "list[_app_models.User] | None"),
        ("dict[str, 'User']", USER, "dict[str, _app_models.User]"),
        ("'list[User]'", USER, "list[_app_models.User]"),
        ("Outer.Inner", {"Outer": "app.models:Outer"}, "_app_models.Outer.Inner"),
        ("models.User", {"models.User": "app.models:User"}, "_app_models.User"),
        ("m.User", {"m": "app.models:"}, "_app_models.User"),
        ("Optional[User]", {**USER, "Optional": "typing:Optional"}, "_app_models.User | None"),
        ("t.Union[int, t.List[str], None]", {"t": "typing:"}, "int | list[str] | None"),
        ("Annotated[User, Field(gt=0)]", {**USER, "Annotated": "typing_extensions:Annotated"}, "_app_models.User"),
        ("Mapping[str, Any]", {"Mapping": "typing:Mapping", "Any": "typing:Any"}, "Mapping[str, Any]"),
        ("Callable[[int], str]", {"Callable": "collections.abc:Callable"}, "Callable[[int], str]"),
        ("AbstractSet[int]", {"AbstractSet": "typing:AbstractSet"}, "Set[int]"),
        ("tuple[()]", {}, "tuple[()]"),
        ("tuple[int, ...]", {}, "tuple[int, ...]"),
        ("tuple[User, *tuple[str, ...]]", USER, "tuple[_app_models.User, *tuple[str, ...]]"),
        ("tuple[*tuple[User, ...]]", USER, "tuple[_app_models.User, ...]"),
        ("tuple[*tuple['User', int]]", USER, "tuple[_app_models.User, int]"),
        ("datetime", {"datetime": "datetime:datetime"}, "_datetime.datetime"),
        ("Page[User]", {**USER, "Page": "lib:Page"}, "_lib.Page[_app_models.User]"),
        ("str", {"str": "builtins:str"}, "str"),
    ],
)
def test_types_are_written_over_private_aliases(text: str, refs: dict[str, str], written: str) -> None:
    assert TypeWriter().write(TypeMeta(text, refs)) == written


HANDLE = {**USER, "Payload": "pyflow_core:Payload"}


@pytest.mark.parametrize(
    ("text", "refs", "given"),
    [
        ("User", USER, "Given[_app_models.User]"),
        ("User | None", USER, "Given[_app_models.User | None]"),
        ("Payload[User]", HANDLE, "Given[_app_models.User]"),
        (
            "p.Payload[list[User]]",
            {**USER, "p": "pyflow_core:"},
            "Given[list[_app_models.User]]",
        ),
        ("list[Payload[User]]", HANDLE, "Given[list[Payload[_app_models.User]]]"),
        (
            "Payload[User]",
            {**USER, "Payload": "app.models:Payload"},
            "Given[_app_models.Payload[_app_models.User]]",
        ),
        ("Any", {"Any": "typing:Any"}, "Any"),
    ],
)
def test_data_may_be_given_as_a_value_or_as_a_handle_to_one(text: str, refs: dict[str, str], given: str) -> None:
    assert TypeWriter().write_given(TypeMeta(text, refs)) == given


def test_data_without_a_type_may_be_anything() -> None:
    assert TypeWriter().write_given(None, "Any") == "Any"


def test_members_of_a_literal_are_values() -> None:
    refs = {"Literal": "typing:Literal", "Color": "app.models:Color"}
    text = "Literal['a\"b', -1, True, None, b'x', Color.RED]"
    assert TypeWriter().write(TypeMeta(text, refs)) == ('Literal[\'a"b\', -1, True, None, b"x", _app_models.Color.RED]')


def test_names_of_typing_are_imported_by_name_and_others_by_module() -> None:
    types = TypeWriter()
    types.write(TypeMeta("Sequence[Any]", {"Sequence": "typing:Sequence", "Any": "typing:Any"}))
    types.write(TypeMeta("User", USER))
    types.write(TypeMeta("date", {"date": "datetime:date"}))
    assert types.import_lines() == (
        "if TYPE_CHECKING:\n    from collections.abc import Sequence",
        "from typing import Any",
        "if TYPE_CHECKING:\n    import datetime as _datetime",
        "if TYPE_CHECKING:\n    import app.models as _app_models",
    )


def test_two_modules_never_share_an_alias() -> None:
    types = TypeWriter()
    first = types.write(TypeMeta("A", {"A": "app.models:A"}))
    second = types.write(TypeMeta("A", {"A": "app_models:A"}))
    assert (first, second) == ("_app_models.A", "_app_models_2.A")


def test_an_alias_never_hides_a_name_of_the_file() -> None:
    types = TypeWriter(taken=frozenset({"_App"}))
    assert types.write(TypeMeta("A", {"A": "App:A"})) == "_App_2.A"


def test_long_modules_get_short_aliases() -> None:
    module = "acme.platform.services.billing.domain.invoices.models"
    assert TypeWriter().write(TypeMeta("A", {"A": f"{module}:A"})) == "_services_billing_domain_invoices_models.A"


def test_a_builtin_that_the_file_hides_is_reached_through_its_module() -> None:
    types = TypeWriter(taken=frozenset({"list"}))
    assert types.write(type_of("list[int]")) == "_builtins.list[int]"
    assert types.import_lines() == ("if TYPE_CHECKING:\n    import builtins as _builtins",)


def test_a_missing_annotation_is_the_default() -> None:
    assert TypeWriter().write(None, default="Any") == "Any"


def test_private_names_are_noticed() -> None:
    types = TypeWriter()
    types.write(TypeMeta("_User", {"_User": "app.models:_User"}))
    assert types.uses_private


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("Unknown", {}),
        ("User", {"User": "my-app.models:User"}),
        ("User", {"User": "app.class:User"}),
        ("User", {"User": "app:f.<locals>.User"}),
        ("User", {"User": "app;import os:User"}),
        ("models", {"models": "app.models:"}),
        ("f(x)", {"f": "app:f"}),
        ("[x for x in y]", {}),
        ("int if x else str", {}),
        ("lambda: 1", {}),
        ("__import__('os').system('x')", {}),
        ("'__import__(\"os\")'", {}),
        ("User\nimport os", USER),
        ("", {}),
        ("(" * 500 + "int" + ")" * 500, {}),
        ("Literal[f()]", {"Literal": "typing:Literal", "f": "app:f"}),
    ],
)
def test_what_is_no_type_is_refused(text: str, refs: dict[str, str]) -> None:
    with pytest.raises(UnresolvedTypeError):
        TypeWriter().write(TypeMeta(text, refs))
