"""Types are recorded as written, with the place that each name comes from."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
from __future__ import annotations
import datetime
import datetime as dt
import app.models
import app.models as m
import xml.dom.minidom
from collections.abc import Sequence
from decimal import Decimal as D
from typing import TYPE_CHECKING, Annotated, Any, Literal
from app import models
from app.models import Outer, User
from app.public import User as Shared
from pydantic import Field
from pyflow_core import wire_rpc
from .models import Order
class Local: ...
Users = list[User]
if TYPE_CHECKING:
    from app.services import Database, Mailer
"""
FILES = {
    "app/models.py": "class User: ...\nclass Order: ...\nclass Outer:\n    class Inner: ...\n",
    "app/public.py": "from app.models import User",
    "app/services.py": "class Database: ...\nclass Mailer: ...\n",
}


def _inspect(bench: Bench, annotation: str, head: str = HEAD) -> None:
    bench.inspect({**FILES, "app/f.py": f'{head}\n@wire_rpc("a")\nasync def f(data: {annotation}) -> None: ...\n'})


@pytest.mark.parametrize(
    ("annotation", "text", "refs"),
    [
        ("str", "str", {}),
        ("Local", "Local", {"Local": "app.f:Local"}),
        ("User", "User", {"User": "app.models:User"}),
        ("Order", "Order", {"Order": "app.models:Order"}),
        ("Shared", "Shared", {"Shared": "app.models:User"}),
        ("models.User", "models.User", {"models.User": "app.models:User"}),
        ("m.User", "m.User", {"m.User": "app.models:User"}),
        ("app.models.User", "app.models.User", {"app.models.User": "app.models:User"}),
        ("Outer.Inner", "Outer.Inner", {"Outer.Inner": "app.models:Outer.Inner"}),
        ("dt.date", "dt.date", {"dt.date": "datetime:date"}),
        ("datetime.date", "datetime.date", {"datetime.date": "datetime:date"}),
        (
            "xml.dom.minidom.Document",
            "xml.dom.minidom.Document",
            {"xml.dom.minidom.Document": "xml.dom.minidom:Document"},
        ),
        ("D", "D", {"D": "decimal:Decimal"}),
        ("Users", "Users", {"Users": "app.f:Users"}),
        ("Any", "Any", {"Any": "typing:Any"}),
        ("list[User] | None", "list[User] | None", {"User": "app.models:User"}),
        (
            "dict[str, Sequence[list[User | Order]]]",
            "dict[str, Sequence[list[User | Order]]]",
            {"Order": "app.models:Order", "Sequence": "collections.abc:Sequence", "User": "app.models:User"},
        ),
        ('"User"', "User", {"User": "app.models:User"}),
        ("\"list['User'] | None\"", "list[User] | None", {"User": "app.models:User"}),
        ('list["User"]', "list[User]", {"User": "app.models:User"}),
        ("list[  # users\n    User,\n]", "list[User,]", {"User": "app.models:User"}),
        ('Literal["User"]', "Literal['User']", {"Literal": "typing:Literal"}),
        (
            'Annotated["User", Field(description="x")]',
            "Annotated[User, Field(description='x')]",
            {"Annotated": "typing:Annotated", "Field": "pydantic:Field", "User": "app.models:User"},
        ),
        ("tuple[()]", "tuple[()]", {}),
    ],
)
def test_a_type_is_resolved_through_the_imports_of_its_module(
    bench: Bench, annotation: str, text: str, refs: dict[str, str]
) -> None:
    _inspect(bench, annotation)
    meta = bench.metadata.rpcs[0].input
    assert meta is not None
    assert (meta.text.replace("[User,]", "[User]"), meta.refs) == (text.replace("[User,]", "[User]"), refs)
    assert bench.codes == []


def test_a_star_import_from_one_place_outside_is_where_a_name_comes_from(bench: Bench) -> None:
    source = 'from pyflow_core import wire_rpc\nfrom {} import *\n@wire_rpc("a")\ndef f(data: Any) -> str: ...\n'
    bench.inspect(source.format("typing"))
    assert bench.metadata.rpcs[0].input is not None
    assert bench.metadata.rpcs[0].input.refs == {"Any": "typing:Any"}
    bench.inspect(source.format("typing import *\nfrom other"))
    assert bench.codes == ["PF504"]


def test_services_have_their_types_also_those_for_type_checkers_only(bench: Bench) -> None:
    source = HEAD + (
        '\n@wire_rpc("a")\n'
        "async def f(data: None, *, step, logger: Any, db: Database, mailer: Mailer | None = None, raw) -> None: ...\n"
    )
    bench.inspect({**FILES, "app/f.py": source})
    services = bench.metadata.rpcs[0].services
    assert [(s.name, s.builtin, s.optional, s.type and s.type.text) for s in services] == [
        ("db", False, False, "Database"),
        ("logger", True, False, None),
        ("mailer", False, True, "Mailer | None"),
        ("raw", False, False, None),
        ("step", True, False, None),
    ]
    assert services[0].type is not None and services[0].type.refs == {"Database": "app.services:Database"}
    assert bench.codes == []


def test_a_function_without_data_has_no_input(bench: Bench) -> None:
    bench.inspect('from pyflow_core import wire_rpc\n@wire_rpc("a")\ndef f(*, db) -> int: ...')
    rpc = bench.metadata.rpcs[0]
    assert rpc.input is None and rpc.output is not None and rpc.output.text == "int"


@pytest.mark.parametrize(
    ("annotation", "marked"),
    [("Database", "Database"), ("list[Database]", "Database"), ('"Database"', '"Database"')],
)
def test_data_of_a_type_for_type_checkers_only_is_reported(bench: Bench, annotation: str, marked: str) -> None:
    _inspect(bench, annotation)
    assert bench.codes == ["PF502"]
    assert bench.text(bench.finding("PF502")) == marked
    assert bench.metadata.rpcs[0].input is not None
    assert bench.metadata.rpcs[0].input.refs == {"Database": "app.services:Database"}


def test_a_type_that_is_imported_at_run_time_too_is_fine(bench: Bench) -> None:
    _inspect(bench, "Database", HEAD + "from app.services import Database\n")
    assert bench.codes == []


@pytest.mark.parametrize(
    "annotation", ["Missing", "m.Missing", "list[Missing]", '"list["', "app.models.User.Missing", "'a b'", "'('"]
)
def test_a_type_that_nothing_defines_is_reported(bench: Bench, annotation: str) -> None:
    _inspect(bench, annotation)
    assert bench.codes == ["PF504"]


def test_a_hostile_text_as_annotation_ends_nothing(bench: Bench) -> None:
    _inspect(bench, '"' + "(" * 5000 + '"')
    assert bench.codes == ["PF504"]
    _inspect(bench, '"' + "+".join(["1"] * 20000) + '"')
    assert bench.codes == ["PF504"]
    _inspect(bench, '"' + " and ".join(["a"] * 30000) + '"')
    assert bench.codes == ["PF504"]


def test_missing_annotations_are_reported_at_the_parameter_and_the_name(bench: Bench) -> None:
    bench.inspect('from pyflow_core import wire_rpc\n@wire_rpc("ä")\nasync def f(dätä): ...\n')
    found = [(one.code, bench.text(one), one.line, one.column) for one in bench.metadata.diagnostics]
    assert ("PF501", "f", 3, 11) in found
    assert ("PF501", "dätä", 3, 13) in found


def test_the_class_of_a_class_method_is_not_its_data(bench: Bench) -> None:
    source = """
        from pyflow_core import wire_rpc

        class Users:
            @classmethod
            async def create(cls, data: str) -> int:
                return 1

            @classmethod
            async def count(cls) -> int:
                return 1

        wire_rpc("users.create", Users.create)
        wire_rpc("users.count", Users.count)
    """
    metadata = bench.inspect({"app/users.py": dedent(source)})
    assert metadata.diagnostics == ()
    assert [None if rpc.input is None else rpc.input.text for rpc in metadata.rpcs] == [None, "str"]
