"""Whatever a name, a description or a path holds, it never becomes code, markup or a path of its own."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cli_sample import SPAN, metadata, model, onboarding, rpc, settings, step, type_of, workflow
from whole_package import outline, render_package, render_python

from pyflow_cli.codegen.block import finalize as _finalize
from pyflow_cli.codegen.code import Code, TemplateError, UnsafeTextError, docstring, identifier, import_path, literal
from pyflow_cli.codegen.mermaid import escape_label, flowchart
from pyflow_cli.codegen.shape import check_shape
from pyflow_core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    '"""; import os; os._exit(42); """',
    "'''; raise SystemExit(42) #",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "ends with a backslash \\",
    'ends with a quote "',
    '"',
    "\\",
    "a\nimport os\nos._exit(42)\n",
    "\r\x0b\x0c\x1c\x85\u2028\u2029import os",
    "\x00\x07\x1b[31m",
    "\udfff\ud800",
    "\u202eright to left\u2066",
    "${HOME} $(id) `id` %s {0}",
    "x" * 3000,
    "漢字 " * 60,
    " ",
    "# noqa # type: ignore # fmt: off",
    "\N{ZERO WIDTH SPACE}\ufeff",
]


@pytest.fixture(params=TEXTS, ids=[f"text{number}" for number in range(len(TEXTS))])
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_literal_gives_the_text_back(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert literal(text).isprintable()


def test_a_docstring_holds_the_words_and_nothing_else(text: str) -> None:
    tree = ast.parse(f'def f():\n    """{docstring(text, 84)}"""\n')
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1


def package_with(text: str) -> dict[str, str]:
    """A package with the text wherever a text may stand."""
    hostile = step("a", "users.create", description=text, options={"description": text, text: text})
    pattern = step(
        "p", "users.create", pattern=f"{text}*", step_name="<dynamic>", queue="workflow-onboarding-p", worker="P"
    )
    source = metadata(
        (
            workflow(
                "onboarding",
                hostile,
                pattern,
                description=text,
                tags=(text,),
                docs={"summary": text, "description": text, "tags": [text]},
                hash=text,
                span=replace(SPAN, file=f"app/{text}.py"),
            ),
        ),
        (rpc("users.create", model("CreateUser"), model("User"), description=text),),
    )
    source = replace(source, project=replace(source.project, name=text))
    return render_package(source, settings(name=text, package="gen"), docs=True)


def test_every_free_text_is_harmless_everywhere(text: str, tmp_path: Path) -> None:
    files, tame = package_with(text), package_with("tame")
    assert set(files) == set(tame)
    for name, content in files.items():
        content.encode("utf-8")
        if name.endswith(".py"):
            assert outline(content) == outline(tame[name])
            path = tmp_path / "gen" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
    assert json.loads(files["meta.json"])["workflows"][0]["description"] == text
    code = "import gen, gen._project, gen.blocking; print(ascii(gen._project.project.name))"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ast.literal_eval(result.stdout) == text


@pytest.mark.parametrize(
    "name", ["a;import os", "a b", "class", "1a", "", "a-b", "../x", "a.b", "a\n", "ﬁ", "a'", "__import__('os')"]
)
def test_what_is_no_identifier_never_becomes_one(name: str) -> None:
    with pytest.raises(UnsafeTextError):
        identifier(name)


@pytest.mark.parametrize("path", ["a..b", "a.class", "a;b", ".a", "a.", "a b.c"])
def test_what_is_no_module_is_never_imported(path: str) -> None:
    with pytest.raises(UnsafeTextError):
        import_path(path)


@pytest.mark.parametrize("field", ["module", "worker"])
@pytest.mark.parametrize("name", ["../../evil", "a\nimport os", "a(b)", "class"])
def test_a_name_that_slipped_through_is_refused(field: str, name: str) -> None:
    with pytest.raises(UsageError):
        render_python(metadata((workflow("onboarding", **{field: name}),)), settings())


@pytest.mark.parametrize("function", ["app.x:f()", "app:f;g", "a b:c", "app:"])
def test_a_function_that_is_no_reference_is_refused(function: str) -> None:
    source = onboarding()
    hostile = tuple(replace(item, func=function) for item in source.rpcs)
    with pytest.raises(UsageError):
        render_python(replace(source, rpcs=hostile), settings())


def test_a_type_that_cannot_be_named_says_whose_it_is() -> None:
    source = metadata((), (rpc("a.b", type_of("f(x)")),))
    with pytest.raises(UsageError, match=r"the data of app.functions:rpc_a_b has a type that no other module can name"):
        render_python(source, settings())


def test_templates_print_checked_code_only() -> None:
    assert _finalize(Code("x")) == "x"
    with pytest.raises(TemplateError):
        _finalize("x")


@pytest.mark.parametrize(
    "text",
    [
        "import os",
        "import os as _typing",
        "from os import path",
        "from app.models import User",
        "x = eval('1')",
        "@f()\ndef g(): pass",
        "def g(x=open('f')): pass",
        "def g(*, x=open('f')): pass",
        "async def g(x, /, y=open('f')): pass",
        "for x in y: pass",
        "class A:\n    x = open('f')",
        "class A:\n    def g(x=open('f')): pass",
        "class A:\n    import os",
    ],
)
def test_code_that_does_more_on_import_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        check_shape(ast.parse(text).body)


def test_a_label_cannot_end_a_diagram(text: str) -> None:
    chart = flowchart(workflow("onboarding", step("a", "users.create", step_name=text)))
    assert "```" not in chart
    lines = chart.split("\n")
    assert len(lines) == 6, chart
    assert lines[2].count('"') == 2
    assert not set(escape_label(text)) & set("\"'`<>[]{}()|\\\n\r")


def test_no_page_holds_markup_of_a_user() -> None:
    text = "<script>alert(1)</script> [x](javascript:y) | ```"
    source = metadata((workflow("onboarding", step("a", "b.c", description=text), description=text),), (rpc("b.c"),))
    page = render_package(source, settings(), docs=True)["docs/onboarding.md"]
    assert "<script>" not in page
    assert "](javascript" not in page
    table = [line for line in page.split("\n") if line.startswith("| `a`")]
    assert table[0].replace("\\|", "").count("|") == 10
