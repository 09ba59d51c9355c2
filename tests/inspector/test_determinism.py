"""Tricky cases of the rules about what workflow code may do: what is found, and what is left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyflow_inspector import InspectorSettings, inspect_project

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """
import asyncio, contextlib, os, random, subprocess, sys, threading, time, uuid
import datetime as dt
import aiofiles, aiohttp, httpx, requests
from collections import defaultdict
from datetime import date, datetime
from functools import partial
from pathlib import Path
COUNTS = {}
FROZEN = {"a": 1}
def bump(): COUNTS["a"] = 1
"""


STEP = "await workflow.do('a', lambda: 1)"
DO = "workflow.do(f'{x}', lambda: str(1), description='x')"


def found(bench: Bench, body: str, *, head: str = "", files: dict[str, str] | None = None) -> list[str]:
    """`"PF301 time.time()"`, with `!` for errors, in source order; the findings of these rules only."""
    bench.workflow(body, head=HEAD + head, files=files)
    ours = ("PF3", "PF208", "PF209", "PF210")
    return [
        f"{one.code}{'!' if one.severity == 'error' else ''} {bench.text(one)}"
        for one in bench.metadata.diagnostics
        if one.code.startswith(ours)
    ]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = time.time()", ["PF301 time.time()"]),
        ("x = dt.datetime.now(dt.timezone.utc)", ["PF301 dt.datetime.now(dt.timezone.utc)"]),
        ("x = datetime.utcnow()", ["PF301 datetime.utcnow()"]),
        ("x = date.today()", ["PF301 date.today()"]),
        ("clock = time.monotonic\nx = clock()", ["PF301 clock()"]),
        ("from time import time as t\nx = t()", ["PF301 t()"]),
        ("x = time.strftime('%Y')", ["PF301 time.strftime('%Y')"]),
        ("x = time.strftime('%Y', data)", []),
        ("x = time.gmtime(0)", []),
        ("x = datetime.fromisoformat(data)", []),
        ("x = datetime(2020, 1, 1)", []),
        ("x = asyncio.get_running_loop().time()", []),
        ("time = data\nx = time.time()", []),
        ("def f(time): return time.time()\nf(data)", []),
        ("x = [time.time() for time in data]", []),
        ("await workflow.do('a', lambda: time.time())", []),
        ("await workflow.do('a', time.time)", []),
        ("await workflow.do('a', 'users.create', str(time.time()))", ["PF301 time.time()"]),
        ("await workflow.do(f'a-{time.time()}', lambda: 1)", ["PF301 time.time()"]),
        ("async def f(): return time.time()\nawait asyncio.gather(f(), f())", ["PF301 time.time()"]),
        ("x = (lambda: time.time())()", ["PF301 time.time()"]),
        ("x = sorted(data, key=lambda one: one - time.time())", ["PF301 time.time()"]),
        ("try:\n    pass\nfinally:\n    x = time.time()", ["PF301 time.time()"]),
        ("x: float = time.time() if data else 0", ["PF301 time.time()"]),
    ],
)
def test_clocks(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = uuid.uuid4()", ["PF302 uuid.uuid4()"]),
        ("from uuid import uuid4\nx = uuid4().hex", ["PF302 uuid4()"]),
        ("x = uuid.uuid5(uuid.NAMESPACE_DNS, data)", []),
        ("random.shuffle(data)", ["PF302 random.shuffle(data)"]),
        ("x = random.Random(data).random()", []),
        ("x = random.Random().random()", ["PF302 random.Random()"]),
        ("x = random.SystemRandom().random()", ["PF302 random.SystemRandom()", "PF302 random.SystemRandom().random()"]),
        ("x = os.urandom(8)", ["PF302 os.urandom(8)"]),
        ("x = hash(data)", ["PF302 hash(data)"]),
        ("x = id(data)", ["PF302 id(data)"]),
        ("x = data.id()", []),
        ("class Key:\n    def __hash__(self): return hash(data)", []),
        ("def hash(x): return 1\ny = hash(data)", []),
        ("x = os.getenv('A')", ["PF303 os.getenv('A')"]),
        ("x = os.environ['A']", ["PF303 os.environ['A']"]),
        ("x = os.environ.get('A')", ["PF303 os.environ.get('A')"]),
        ("from os import environ as env\nx = env['A']", ["PF303 env['A']"]),
        ("x = {**os.environ}", ["PF303 os.environ"]),
        ("x = sys.argv[1:]", ["PF303 sys.argv[1:]"]),
        ("x = sys.version_info", []),
        ("x = os.path.join('a', data)", []),
        ("x = os.getcwd(); y = Path.home()", ["PF303 os.getcwd()", "PF303 Path.home()"]),
        ("x = os.sep", []),
    ],
)
def test_chance_and_environment(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = open('a').read()", ["PF304 open('a')"]),
        ("x = Path('a').read_text()", ["PF304 Path('a').read_text()"]),
        ("x = (Path('a') / data).exists()", ["PF304 (Path('a') / data).exists()"]),
        ("p = Path('a')\nfor q in p.iterdir(): pass", ["PF304 p.iterdir()"]),
        ("x = Path('a').suffix", []),
        ("x = Path('a').with_suffix('.b').name", []),
        ("x = os.listdir('.')", ["PF304 os.listdir('.')"]),
        ("async with aiofiles.open('a') as f: pass", ["PF304! aiofiles.open('a')"]),
        ("x = data.open()", []),
        ("open = data\nx = open('a')", []),
        ("x = requests.get('u')", ["PF305 requests.get('u')"]),
        ("s = requests.Session()\nx = s.post('u')", ["PF305 requests.Session()", "PF305 s.post('u')"]),
        ("x = httpx.URL('u')", []),
        ("c = httpx.AsyncClient()\nx = await c.get('u')", ["PF305 httpx.AsyncClient()", "PF305! c.get('u')"]),
        (
            "async with httpx.AsyncClient() as c:\n    await asyncio.gather(*(c.get(u) for u in data))",
            ["PF305 httpx.AsyncClient()", "PF305! c.get(u)"],
        ),
        (
            "async with aiohttp.ClientSession() as s, s.get('u') as r:\n    x = await r.text()",
            ["PF305 aiohttp.ClientSession()", "PF305! s.get('u')"],
        ),
        ("x = await asyncio.open_connection('h', 1)", ["PF305! asyncio.open_connection('h', 1)"]),
        ("threading.Thread(target=bump).start()", ["PF306 threading.Thread(target=bump)"]),
        ("subprocess.run(['ls'])", ["PF306 subprocess.run(['ls'])"]),
        ("os.system('ls')", ["PF306 os.system('ls')"]),
        ("x = await asyncio.to_thread(time.time)", ["PF306! asyncio.to_thread(time.time)"]),
        ("x = await asyncio.create_subprocess_exec('ls')", ["PF306! asyncio.create_subprocess_exec('ls')"]),
        (
            "loop = asyncio.get_event_loop()\nx = await loop.run_in_executor(None, bump)",
            ["PF306! loop.run_in_executor(None, bump)"],
        ),
        ("lock = threading.Lock()", []),
        ("x = await workflow.do('a', lambda: asyncio.to_thread(open, 'a'))", []),
    ],
)
def test_files_network_and_threads(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("await asyncio.sleep(1)", ["PF307! asyncio.sleep(1)"]),
        ("await asyncio.sleep(0)", []),
        ("await asyncio.sleep(delay=0)", []),
        ("await asyncio.sleep(data)", ["PF307! asyncio.sleep(data)"]),
        ("from asyncio import sleep\nawait sleep(1)", ["PF307! sleep(1)"]),
        ("time.sleep(1)", ["PF307 time.sleep(1)"]),
        ("async with asyncio.timeout(None): pass", []),
        ("t = asyncio.create_task(workflow.do('a', lambda: 1))\nawait asyncio.wait_for(t, 0)", []),
        ("async with asyncio.timeout(1): pass", ["PF307! asyncio.timeout(1)"]),
        ("t = asyncio.create_task(workflow.do('a', lambda: 1))\nawait asyncio.wait([t])", []),
        (
            "t = asyncio.create_task(workflow.do('a', lambda: 1))\nawait asyncio.wait([t], timeout=1)",
            ["PF307! asyncio.wait([t], timeout=1)"],
        ),
        ("asyncio.get_running_loop().call_later(1, print)", ["PF307! asyncio.get_running_loop().call_later(1, print)"]),
        ("asyncio.get_running_loop().call_soon(print)", []),
        ("asyncio.run(workflow.do('a', lambda: 1))", ["PF311! asyncio.run(workflow.do('a', lambda: 1))"]),
        ("import crm\nx = await crm.load(data)", ["PF311 crm.load(data)"]),
        ("import crm\nx = await crm.both(workflow.do('a', lambda: 1))", []),
        ("import crm\nx = await crm.run(workflow)", []),
        ("q = asyncio.Queue()\nq.put_nowait(1)\nx = await q.get()", []),
        ("x = await data", []),
        ("async with contextlib.AsyncExitStack() as stack: pass", []),
        ("lock = asyncio.Lock()\nasync with lock: pass", []),
    ],
)
def test_waiting(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("for x in {'a', 'b'}: await workflow.do(x, lambda: 1, description='x')", ["PF308 {'a', 'b'}"]),
        ("for x in {1, 2}: await workflow.do(f'{x}', lambda: 1, description='x')", []),
        ("for x in sorted({'a', 'b'}): await workflow.do(x, lambda: 1, description='x')", []),
        ("s = set(data)\nx = list(s)", ["PF308 s"]),
        ("s = set(data)\nx = sorted(list(s))", []),
        ("s = set(data)\nx = ', '.join(s)", ["PF308 s"]),
        ("s = set(data)\nx = s.pop()", ["PF308 s"]),
        ("s = set(data)\nx = [*s]", ["PF308 s"]),
        ("s = set(data)\nx = [one for one in s]", ["PF308 s"]),
        ("s = set(data)\nx = {one for one in s}", []),
        ("s = set(data)\nx = sum(one for one in s)", []),
        ("s = set(data)\nx = 'a' in s and len(s)", []),
        ("s = set(data)\ntotal = 0\nfor one in s: total += one", []),
        ("s = set(data)\nout = []\nfor one in s: out.append(one)", ["PF308 s"]),
        ("s: frozenset[str] = data\nx = tuple(s)", ["PF308 s"]),
        ("a = {}\nb = {}\nx = list(a.keys() & b.keys())", ["PF308 a.keys() & b.keys()"]),
        ("a = {}\nx = list(a.keys())", []),
        ("a = {}\nx = list(a)", []),
        ("s = set(data) - {'a'}\nx = list(s)", ["PF308 s"]),
        ("s = set(data).union(data)\nx = list(s)", ["PF308 s"]),
        ("def f() -> set[str]: return set(data)\nx = list(f())", []),
        (
            f"tasks = set()\nfor x in data: tasks.add(asyncio.create_task({DO}))\nfor task in tasks: await task",
            [],
        ),
        ("done, rest = await asyncio.wait([workflow.do('a', lambda: 1)])\nfor one in done: await one", []),
        ("x = await workflow.do('a', lambda: list({'a', 'b'}))", []),
    ],
)
def test_order(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("x = COUNTS['a']", ["PF309 COUNTS"]),
        ("x = FROZEN['a']", []),
        ("COUNTS['b'] = 1", ["PF309 COUNTS"]),
        ("del COUNTS['b']", ["PF309 COUNTS"]),
        ("COUNTS.update(a=1)", ["PF309 COUNTS"]),
        ("COUNTS = {}\nCOUNTS['b'] = 1", []),
        ("global COUNTS\nCOUNTS = {}", ["PF309 COUNTS"]),
        ("bump()", ["PF309 COUNTS"]),
        ("await workflow.do('a', bump)", []),
        ("await workflow.do('a', lambda: COUNTS['a'])", []),
        ("x = await db.load(1)", ["PF310! db.load(1)"]),
        ("x = db.load(1)", ["PF310 db.load(1)"]),
        ("x = await asyncio.gather(db.load(1), db.load(2))", ["PF310! db.load(1)", "PF310! db.load(2)"]),
        ("store = db\nx = await store.load(1)", ["PF310! store.load(1)"]),
        ("async for x in db.all(): pass", ["PF310! db.all()"]),
        ("async for x in db: pass", ["PF310! db"]),
        ("x = db.name", []),
        ("logger.info('x')", []),
        ("await workflow.do('a', lambda: db.load(1))", []),
        ("await workflow.do('a', db.load)", []),
        ("await workflow.do('a', partial(db.load, 1))", []),
        ("async def f(store): return await store.load(1)\nawait f(db)", ["PF310! store.load(1)"]),
        ("async def f(store): return await store.load(1)\nawait workflow.do('a', lambda: f(db))", []),
    ],
)
def test_shared_state(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"try:\n    {STEP}\nexcept:\n    pass", ["PF312 except"]),
        (f"try:\n    {STEP}\nexcept Exception:\n    pass", []),
        (f"try:\n    {STEP}\nexcept asyncio.CancelledError:\n    x = 1", ["PF312 asyncio.CancelledError"]),
        (f"try:\n    {STEP}\nexcept asyncio.CancelledError:\n    if data: raise", []),
        (f"try:\n    {STEP}\nexcept asyncio.CancelledError:\n    raise\nexcept BaseException:\n    raise", []),
        (f"try:\n    {STEP}\nfinally:\n    return", ["PF312 return"]),
        ("try:\n    x = int(data)\nexcept BaseException:\n    pass", []),
        (f"with contextlib.suppress(Exception):\n    {STEP}", []),
        (f"with contextlib.suppress(asyncio.CancelledError):\n    {STEP}",
         ["PF312 contextlib.suppress(asyncio.CancelledError)"]),
        ("t = asyncio.create_task(data)\nt.cancel()\ntry:\n    await t\nexcept asyncio.CancelledError:\n    pass", []),
        ("t = data\nt.cancel()\nwith contextlib.suppress(asyncio.CancelledError):\n    await t", []),
        ("await workflow.do('a', lambda: time.sleep(1))", ["PF313 time.sleep(1)"]),
        ("await workflow.do('a', lambda: time.sleep(1), thread=True)", []),
        ("await workflow.do('a', lambda: time.sleep(1), timeout=3)", ["PF313 time.sleep(1)"]),
        ("await workflow.do('a', lambda: httpx.AsyncClient().get('u'))", []),
        ("await workflow.do('a', lambda: open('a').read())", []),
        ("await workflow.do('a', 'users.create', max(data, key=lambda x: time.sleep(1)))", []),
        ("await workflow.do('a', lambda: asyncio.to_thread(lambda: time.sleep(1)))", []),
        ("seen = []\nawait workflow.do('a', lambda: seen.append(1))", ["PF314 seen"]),
        ("seen = defaultdict(list)\nasync def f(): seen['a'].append(1)\nawait workflow.do('a', f)", ["PF314 seen"]),
        ("async def f(): data.x = 1\nawait workflow.do('a', f)", ["PF314 data"]),
        ("async def f(): db.x = 1\nawait workflow.do('a', f)", []),
        ("async def f(x=data):\n    x = []\n    x.append(1)\nawait workflow.do('a', f)", []),
        ("async def f(): data.update(1)\nawait workflow.do('a', f)", []),
        ("seen = []\nseen.append(await workflow.do('a', lambda: 1))", []),
        (f"try:\n    {STEP}\nfinally:\n    os.remove('a')", ["PF315 os.remove('a')"]),
        (f"try:\n    {STEP}\nfinally:\n    await asyncio.to_thread(bump)", ["PF315! asyncio.to_thread(bump)"]),
        (f"try:\n    {STEP}\nfinally:\n    logger.info('x')", []),
        ("try:\n    pass\nfinally:\n    await workflow.do('a', lambda: os.remove('a'))", []),
        ("for x in asyncio.as_completed([workflow.do('a', lambda: 1)]): await x", []),
        ("for x in asyncio.as_completed([rpc.invoke('users.create', 'a')]): await x",
         ["PF316! rpc.invoke('users.create', 'a')"]),
        ("async def f(): pass\nfor x in asyncio.as_completed({f() for _ in data}): await x", ["PF316! f()"]),
        ("async def f(): pass\nfor x in asyncio.as_completed([asyncio.create_task(f())]): await x", []),
        ("async def f(): pass\nawait asyncio.gather(f(), f())", []),
    ],
)  # fmt: skip
def test_cancelling_and_step_functions(bench: Bench, body: str, expected: list[str]) -> None:
    assert found(bench, body) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("c = [{do} for x in data]\nawait asyncio.gather(*c)", ["PF208! x"]),
        ("await asyncio.gather(*[{do} for x in data])", ["PF208! x"]),
        ("await asyncio.gather(*({do} for x in data))", ["PF208! x"]),
        ("c = tuple({do} for x in data)", ["PF208! x"]),
        ("c = {{x: {do} for x in data}}", ["PF208! x"]),
        ("c = [await {do} for x in data]", []),
        ("for call in ({do} for x in data): await call", []),
        ("for x in data: await {do}", []),
        ("c = []\nfor x in data: c.append({do})", ["PF208! x"]),
        ("c = []\nfor x in data: c.append(await {do})", []),
        ("for x in data:\n    t = asyncio.create_task({do})\n    await t", []),
        ("async with asyncio.TaskGroup() as g:\n    for x in data: g.create_task({do})", ["PF208! x"]),
        ("c = []\nfor y in data:\n    for x in [1]:\n        c.append({do})", ["PF208! x"]),
        ("c = []\ni = 0\nwhile i < 3:\n    i += 1\n    c.append(workflow.do(f'{{i}}', lambda: i, description='x'))",
         ["PF208! i"]),
        ("for y in data:\n    await gather(*[workflow.do(f'{{x}}', lambda: y, description='x') for x in data])", []),
        ("c = [workflow.do(f'{{x}}', lambda x=x: x, description='x') for x in data]", []),
        ("c = [workflow.do(f'{{x}}', lambda: data, description='x') for x in data]", []),
        ("c = [workflow.do(f'{{x}}', lambda: [x for x in data], description='x') for x in data]", []),
        ("c = [workflow.do(f'{{x}}', partial(str, x), description='x') for x in data]", []),
        ("c = [workflow.do(f'{{x}}', 'users.create', x, description='x') for x in data]", []),
    ],
)  # fmt: skip
def test_variables_of_loops(bench: Bench, body: str, expected: list[str]) -> None:
    do = "workflow.do(f'{x}', lambda: str(x), description='x')"
    assert found(bench, body.format(do=do)) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"return\n{STEP}", True),
        (f"if data:\n    return\n{STEP}", False),
        (f"if data:\n    return\nelse:\n    raise ValueError\n{STEP}", True),
        (f"if True:\n    return\n{STEP}", True),
        (f"while True:\n    pass\n{STEP}", True),
        (f"while True:\n    for x in data: break\n{STEP}", True),
        (f"while True:\n    if data: break\n{STEP}", False),
        (f"while data:\n    break\n    {STEP}", True),
        (f"while data:\n    pass\nelse:\n    return\n{STEP}", False),
        (f"with data:\n    return\n{STEP}", True),
        (f"with data:\n    raise ValueError\n{STEP}", False),
        (f"try:\n    return\nexcept ValueError:\n    pass\n{STEP}", False),
        (f"try:\n    return\nexcept ValueError:\n    raise\n{STEP}", True),
        (f"try:\n    return\nfinally:\n    {STEP}", False),
        (f"try:\n    pass\nfinally:\n    return\n{STEP}", True),
        (f"try:\n    pass\nexcept ValueError:\n    return\nelse:\n    return\n{STEP}", True),
        (f"match data:\n    case 1: return\n    case _: return\n{STEP}", True),
        (f"match data:\n    case 1: return\n    case _ if data: return\n{STEP}", False),
        (f"def f():\n    return\nf()\n{STEP}", False),
    ],
)
def test_what_no_run_comes_to(bench: Bench, body: str, *, expected: bool) -> None:
    codes = [line for line in found(bench, body) if line.startswith("PF209")]
    assert codes == (["PF209 workflow.do('a', lambda: 1)"] if expected else [])


BARE = "s = await rpc.invoke('users.create', data)\n"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{BARE}if s: {STEP}", ["s"]),
        (f"{BARE}if s: logger.info('x')\n{STEP}", []),
        (f"{BARE}if s: return\n{STEP}", ["s"]),
        (f"{STEP}\n{BARE}if s: return", []),
        (f"{BARE}while s.more: {STEP}", ["s.more"]),
        (f"{BARE}x = s.upper()\nfor y in x: {STEP}", ["x"]),
        (f"{BARE}[await workflow.do(f'{{y}}', lambda: 1, description='') for y in data if s]", ["s"]),
        (f"{BARE}x = s and {STEP}", ["s"]),
        (f"{BARE}x = {STEP} if s else 1", ["s"]),
        (f"if await rpc.invoke('users.create', data): {STEP}", ["await rpc.invoke('users.create', data)"]),
        (f"{BARE}match s:\n    case 'a': {STEP}", ["s"]),
        (f"{BARE}await workflow.do('a', 'users.create', s)", ["s"]),
        (f"{BARE}await workflow.do('a', lambda: s)", []),
        (f"{BARE}x = await workflow.do('a', lambda: s)\nif x: await workflow.do('b', lambda: 1)", []),
        (f"s = await workflow.do('s', lambda: rpc.invoke('users.create', data))\nif s: {STEP}", []),
        (f"async def f(): return await rpc.invoke('users.create', data)\nif await f(): {STEP}", ["await f()"]),
        (f"async def f(x):\n    if x: {STEP}\nawait f(await rpc.invoke('users.create', data))", ["x"]),
        (f"{BARE}return s", []),
    ],
)
def test_what_a_bare_invocation_decides(bench: Bench, body: str, expected: list[str]) -> None:
    texts = [line.removeprefix("PF210 ") for line in found(bench, body) if line.startswith("PF210")]
    assert texts == expected


def test_a_helper_that_many_workflows_share_is_reported_once(bench: Bench) -> None:
    flow = '@wire_workflow("{0}")\nasync def {0}(data: str, *, workflow) -> None:\n    now()\n'
    source = (
        "from pyflow_core import wire_workflow\nfrom app.clock import now\n" + flow.format("one") + flow.format("two")
    )
    other = "from pyflow_core import wire_workflow\nfrom app.clock import now\n" + flow.format("three")
    clock = "import time\ndef now(): return time.time()\n"
    bench.inspect({"app/flows.py": source, "app/other.py": other, "app/clock.py": clock})
    assert bench.codes == ["PF301"]


def test_a_module_of_the_project_may_bear_the_name_of_a_known_one(bench: Bench) -> None:
    files = {"secrets.py": "def load(): return 1\n", "requests.py": "class get: pass\n"}
    assert found(bench, "import secrets\nsecrets.load()\nrequests.get()", files=files) == []


def test_what_lies_in_other_packages_is_not_followed_and_harms_nobody(bench: Bench) -> None:
    assert found(bench, "from nowhere import thing\nthing.a.b(lambda: 1)\nx = thing().c[0].d") == []


def test_a_pause_becomes_a_step_with_a_name_of_its_own(bench: Bench) -> None:
    body = """
        await asyncio.sleep(1)
        await asyncio.sleep(data.wait)
        await workflow.do("sleep-2", lambda: 1)
        for x in data: await asyncio.sleep(3)
        await asyncio.sleep(await db())
        async def f(): await asyncio.sleep(4)
        await f()
        time.sleep(5)
    """
    bench.workflow(body, head=HEAD)
    fixes = [one.fix for one in bench.metadata.diagnostics if one.code == "PF307"]
    edits = [None if fix is None else [edit.text for edit in fix.edits] for fix in fixes]
    assert edits == [
        ['workflow.do("sleep", lambda: asyncio.sleep(1))'],
        ['workflow.do("sleep-3", lambda: asyncio.sleep(data.wait))'],
        None,
        None,
        None,
        None,
    ]
    assert not any(fix is not None and fix.safe for fix in fixes)


ROOT = Path(__file__).resolve().parents[2]
APPS = sorted(path for path in ROOT.glob("examples/*/*_app") if path.is_dir())
SKILLS = ROOT / "website" / "docs" / "skills" / "pyflow-workflow" / "examples"


@pytest.mark.parametrize("app", [*APPS, SKILLS], ids=lambda app: app.name)
def test_what_we_show_to_others_keeps_these_rules(app: Path) -> None:
    package = "pyflow_gen" if app == SKILLS else f"{app.name}.pyflow_gen"
    root = app if app == SKILLS else app.parent
    metadata = inspect_project(InspectorSettings(root=root, source=root, name="shown", package=package))
    assert metadata.workflows
    assert [one for one in metadata.diagnostics if one.code.startswith(("PF2", "PF3"))] == []


def test_there_are_examples() -> None:
    assert len(APPS) >= 4


def test_advice_that_is_taken_leads_to_no_other_finding(bench: Bench) -> None:
    bench.workflow("requests.get('u')\ntime.sleep(1)\nopen('a')\nawait asyncio.to_thread(bump)", head=HEAD)
    ours = [one for one in bench.metadata.diagnostics if one.code.startswith("PF3")]
    advice = [(one.help or "").partition("await ")[2] for one in ours]
    assert len(advice) == 4
    assert found(bench, "\n".join(f"await {one}" for one in advice)) == []
