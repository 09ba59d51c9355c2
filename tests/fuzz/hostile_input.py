# ruff: noqa: E501, RUF001
"""Projects that nobody would write: files of the corpus cut, spliced, garbled and mixed with what is hostile.

The same seed gives the same project on every machine.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

CORPUS = Path(__file__).parents[1] / "corpus"

MARKER = "executed"
"""The file that a project writes into the working directory if any of its modules is ever executed."""

PLANT = b"import pathlib as _p; _p.Path('executed').write_text(__name__)\n"

_HEAD = b"import asyncio\nfrom pyflow_core import *\nimport pyflow_core as pf\n"
_FLOW = b'@pf.wire_workflow("flow")\nasync def flow(data: str, *, workflow, rpc) -> None:\n'

BODIES = [
    b"    await workflow.do('a', 'x.run', data)\n",
    b"    await " + b"(" * 60 + b"workflow.do('a', 'x.run')" + b")" * 60 + b"\n",
    b"    " + b"if data:\n        pass\n    el" * 200 + b"if data: pass\n",
    b"    x = " + b"lambda: " * 80 + b"workflow.do('deep', 'x.run')\n    await x()\n",
    b"    x = workflow" + b".a" * 400 + b"\n",
    b"    x = workflow" + b"[0]" * 300 + b"\n",
    b"    x = workflow.do" + b"('a')" * 120 + b"\n",
    b"    x = [" * 60 + b"workflow" + b"]" * 60 + b"\n    await x[0][0][0].do('a')\n",
    b"    def f(g=workflow): return f(f)\n    await f()\n    f = [f, f]\n    f[f](f)\n",
    b"    w = workflow\n    w = w if w else w\n    w, w = w, w\n    (w := w)\n    await w.do(w.do, w.do)\n",
    b"    class A:\n        def __init__(s, w): s.a = A(w); s.s = s; s.w = w\n    await A(workflow).a.a.s.s.w.do('a', A)\n",
    b"    class A(A, B): pass\n    class B(A): pass\n    await B(workflow).x.do('a')\n",
    b"    x = [workflow]\n    x.append(x)\n    x = x + [x]\n    for y in x:\n        x.append(y)\n        await y.do(f'{x}')\n",
    b"    x = {}\n    x[x] = workflow\n    x['a'] = x\n    await x['a']['a'].do(**x, *x)\n",
    b"    from functools import partial\n    p = partial(workflow.do)\n" + b"    p = partial(p, p)\n" * 30 + b"    await p('a')\n",
    b"    x = 'a'\n" + b"    x = x + x\n" * 40 + b"    await workflow.do(x, 'x.run')\n",
    b"    await workflow.do('%s%%%(a)s%*d' % (1,), '{}{0}{a.b[c]!r:>{w}}'.format(*data, **data))\n",
    b"    await workflow.do(f'{data!r:{data}}{data=}{{}}{workflow.do(1)}', 10**10**3)\n",
    b"    await workflow.do('a' * 10**9, -(-(-1)))\n",
    b"    await workflow.do(" + b"9" * 5000 + b", 0x" + b"f" * 5000 + b")\n",
    b"    await workflow.do('a', " + b"9" * 4000 + b" * " + b"9" * 10 + b")\n    await workflow.do('b', 0x" + b"f" * 5000 + b")\n",
    b"    await workflow.do('\\ud800\\x00\\N{BULLET}', '\\udfff')\n",
    b"    await workflow.do(*[*[*[]]], **{**{}}, *data, description=...)\n",
    b"    await workflow.do('a', workflow.do('b', workflow.do('c', lambda: workflow.do('d'))))\n",
    b"    async def f(n):\n        await g(n)\n        return f\n    async def g(n):\n        await f(n)\n    await (await f(f))(g)\n",
    b"    match data:\n        case {'a': [*_, x], **rest} | (x, rest) if workflow: await x.do('a')\n        case _: return workflow\n",
    b"    try:\n        await workflow.do('a')\n    except* (A, B) as e: raise e from workflow\n    else: return\n    finally: del workflow\n",
    b"    yield workflow\n    x = yield workflow.do\n    async for a in flow(x): yield a\n",
    b"    global workflow, data\n    nonlocal x\n",
    b"    __import__('os').system('touch executed')\n    exec('open(\"executed\", \"w\")')\n    eval(data)\n",
    b"    async with workflow as w, w as x, x(y) as (y, *z): await y.do('a')\n",
    b"    await asyncio.gather(*(workflow.do(f'{a}{b}') for a in b for b in a if (c := a) async for d in c))\n",
    b"    return [workflow.do(x) for x in [x for x in [x for x in data]]]\n",
    b"    super().do(workflow)\n    super(a, b).__init__(workflow)\n    getattr(workflow, 'd' 'o')('a', 'x.run')\n",
    b"    workflow: int = 3\n    workflow += 1\n    workflow.do.do = workflow\n    await workflow.do('a')\n",
    b"    while (w := workflow.do) and not data:\n        w = await w('a', w)\n        continue\n    else: await w('b')\n",
]  # fmt: skip

MODULES = [
    b"from app.flows import *\nfrom app.other import *\nfrom app import flows, other\nimport app.flows.other\n",
    b"from . import flows as flows\nfrom .flows import flow as flow\nfrom ....... import x\n",
    b"wire_rpc = wire_rpc\na = b\nb = c\nc = a\nA = B.A\nB = A.B\nx = x.x.x\n",
    b"class A(A): pass\nclass B(C): pass\nclass C(B): pass\nclass D(B, A, D):\n    x: D = D.x\n    def m(self): return self.m()\n",
    b"__import__ = wire_workflow\n__builtins__ = None\n__name__ = wire_rpc('a', __name__)\nNone_ = None\n",
    b"wire_rpc('x.run', lambda: 0)\nwire_rpc(*a, **b)\nwire_rpc(wire_rpc)(wire_rpc)(wire_workflow)\n@wire_rpc\ndef f(): ...\n",
    b"@wire_rpc('x.run')\nasync def run(data: 'run', /, *a: 'a[', b: 'x' * 9 = run, **k: \"'\") -> '(' * 3: ...\n",
    b"@wire_rpc(f'{a}' '{b}' b'c')\n@wire_rpc\n@run\ndef run(run: run) -> run: return run\n",
    b"try:\n    from app import other\nexcept: other = None\nelse:\n    other: other = other\nfinally:\n    del other\n",
    b"if TYPE_CHECKING:\n    from app.other import TYPE_CHECKING\nelif TYPE_CHECKING: import app\n",
    b"from enum import *\nclass E(E, StrEnum, Enum):\n    a = auto()\n    b = a\n    c = E.c.value.name.value\nwire_rpc(E.c.value, E)\n",
    b"__all__ = [*__all__, 'wire_rpc']\nglobals()['wire_rpc']('a', b)\nsetattr(pf, 'wire_workflow', wire_rpc)\n",
    b"type X = X | 'X' | list[X]\ndef f[T: X, *Ts, **P](a: T) -> X: ...\n",
    b"x = (yield)\nawait x\nreturn x\n",
    b"\tif 1:\n        pass\n",
    b"# pyflow: ignore[PF101, PF000,,, ]\n# pyflow: ignore[\n'''# pyflow: ignore[PF901]'''\n",
    "naïve = 'é'; ª = 1; 变量 = wire_rpc; 𝔵 = 𝔵\n".encode(),
    b"x = '''" + b"\\\n" * 400 + b"'''\nif x: \\\n  pass\n",
]  # fmt: skip

_ENCODINGS = [
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"# coding: latin-1\n", b"# coding: utf-16\n", b"# coding: utf-7\n",
    b"# coding: rot13\n", b"# coding: idna\n", b"# coding: cp037\n", b"# -*- coding: undefined -*-\n", b"\x0c\n", b"\x00",
]  # fmt: skip
_TOKENS = [
    b"(", b")", b"[", b"]", b"{", b"}", b":", b",", b".", b"=", b"==", b":=", b"*", b"**", b"@", b"\n", b"    ", b"\t",
    b"await ", b"async ", b"lambda: ", b"yield ", b"workflow", b"workflow.do", b"wire_workflow", b"f'{", b"'''", b"\\",
    b"#", b"\r", b"\x0c", b"\xe2\x80\xa8", b"\xed\xa0\x80", b"\x00", b"\xff", b"0", b"1e999", b"None", b"self", b"%",
    b"not ", b"if ", b"else ", b"for x in ", b"import ", b"global ", b"del ", b"return ", b"~" * 50, b"(" * 250,
]  # fmt: skip


def corpus_files() -> list[bytes]:
    """What is cut and spliced."""
    return [path.read_bytes() for path in sorted(CORPUS.rglob("*.py")) if "tests/corpus/" in path.as_posix()]


def hostile_project(files: list[bytes], seed: int) -> dict[str, bytes]:
    """The files of one project, by their paths. Each begins with code that must never run."""
    random = Random(seed)
    count = random.choice((1, 1, 2, 3))
    names = ["app/flows.py", "app/other.py", "app/__init__.py"][:count]
    return {name: _planted(random, _garbled(random, _source(random, files))) for name in names}


def _planted(random: Random, source: bytes) -> bytes:
    return source if random.random() < 0.05 else PLANT + source  # a coding line or BOM must come first


def _source(random: Random, files: list[bytes]) -> bytes:
    kind = random.random()
    if kind < 0.4:
        return random.choice(files)
    if kind < 0.6:
        one, other = random.choice(files), random.choice(files)
        return one[: random.randrange(len(one) + 1)] + other[random.randrange(len(other) + 1) :]
    bodies = b"".join(random.choice(BODIES) for _ in range(random.randint(1, 4)))
    modules = b"".join(random.choice(MODULES) for _ in range(random.randint(0, 2)))
    parts = [_HEAD, modules, _FLOW + bodies]
    if kind > 0.9:
        random.shuffle(parts)
    return b"".join(parts)


def _garbled(random: Random, source: bytes) -> bytes:
    for _ in range(random.choice((0, 0, 1, 1, 2, 5, 20))):
        source = random.choice(_MUTATIONS)(random, source)
    return source


def _truncate(random: Random, source: bytes) -> bytes:
    return source[: random.randrange(len(source) + 1)]


def _random_bytes(random: Random, source: bytes) -> bytes:
    at = random.randrange(len(source) + 1)
    return source[:at] + random.randbytes(random.randint(1, 8)) + source[at:]


def _token(random: Random, source: bytes) -> bytes:
    at = random.randrange(len(source) + 1)
    return source[:at] + random.choice(_TOKENS) + source[at + random.randint(0, 3) :]


def _drop_line(random: Random, source: bytes) -> bytes:
    lines = source.splitlines(keepends=True)
    if lines:
        del lines[random.randrange(len(lines))]
    return b"".join(lines)


def _double_line(random: Random, source: bytes) -> bytes:
    lines = source.splitlines(keepends=True)
    if lines:
        lines.insert(random.randrange(len(lines)), random.choice(lines))
    return b"".join(lines)


def _swap_words(random: Random, source: bytes) -> bytes:
    words = source.split(b" ")
    one, other = random.randrange(len(words)), random.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return b" ".join(words)


def _rename(random: Random, source: bytes) -> bytes:
    names = [b"workflow", b"data", b"self", b"flow", b"do", b"app", b"__init__", b"__import__", b"wire_rpc", b"x"]
    return source.replace(random.choice(names), random.choice(names))


def _encode(random: Random, source: bytes) -> bytes:
    return random.choice(_ENCODINGS) + source


def _newlines(random: Random, source: bytes) -> bytes:
    return source.replace(b"\n", random.choice((b"\r\n", b"\r", b"\n\x0c", b"\n\n")))


def _nest(random: Random, source: bytes) -> bytes:
    depth = random.randint(1, 120)
    return b"".join(b" " * level + b"if x:\n" for level in range(depth)) + b"\n".join(
        b" " * depth + line for line in source.splitlines()
    )


_MUTATIONS = [
    _truncate, _random_bytes, _token, _token, _token, _drop_line, _double_line, _swap_words, _rename, _encode, _newlines,
    _nest,
]  # fmt: skip
