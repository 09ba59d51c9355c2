"""libcst and ast are walked in one order, on all the Python there is in the standard library."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import libcst as cst
import pytest

from pyflow_inspector.pairing import pair_trees

SAMPLES = [
    "ast",
    "dataclasses",
    "typing",
    "asyncio/tasks",
    "test/test_coroutines",
    "test/test_fstring",
    "test/test_patma",
]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_name_and_call_has_a_twin_of_its_own_text(name: str) -> None:
    path = Path(sysconfig.get_path("stdlib"), f"{name}.py")
    if not path.exists():
        pytest.skip("this Python comes without its tests")
    _check(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "f(*a, k=b, *c, **d)(e)[g(h)]",
        "@d1(x)\n@d2\nasync def f(a: A = b, /, c: C = e, *g: G, h: H = i, **j: J) -> K: l(m)",
        "@d(x)\nclass A(B(1), *C, metaclass=M(2), **K): x: T = f(1)",
        "x = {a(): b(), **c(), d(): e()}; y = {f(i): g(i) for i in h() if j(i) for k in l(i)}",
        "x = a() if b() else c(); y = lambda p=q(), *r, s=t(): u(p); z = not v() < w() <= aa()",
        "f'{a(1)!r:>{b(2)}}' f'{c=}' 'd' rf'{e[f]:{g}}'",
        "try: a()\nexcept b(c) as d: e()\nelse: f()\nfinally: g()",
        "try: a()\nexcept* b(c) as d: e()",
        "match a(b):\n    case c.d if e(f): g()\n    case C(x=y, z=[w, *v]) | {'k': u, **t}: h()",
        "with a() as b, c(d) as (e, f.g): h()\nasync def i():\n    async with j(): pass\n    async for k in l(): m(k)",
        "x[a():b():c(), d()] = y = z; p: q(r) = s(t); u += v(w); del aa(bb).cc; assert dd(), ee()",
        "def f():\n    global g\n    yield a(); yield from b(); return (yield c())\n    raise d() from e()",
        "import a.b as c, d\nfrom .e import f as g, h\nfrom i import *\nx = True, None, ..., (n := o(p))",
    ],
)
def test_odd_code_is_paired_too(source: str) -> None:
    _check(source)


def _check(source: str) -> None:
    twins = pair_trees(cst.parse_module(source), ast.parse(source))
    assert twins
    for one, other in twins.items():
        if isinstance(one, cst.Name | cst.Attribute) and isinstance(other, ast.expr):
            code = cst.Module([]).code_for_node(one)
            assert ast.unparse(other) == ast.unparse(ast.parse(f"({code}\n)", mode="eval"))
