"""Projects with many RPCs, and code that uses their generated packages rightly and wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RIGHT = """\
from typing_extensions import assert_type

from app import models
from pyflow_core import Payload, RpcCall
from pyflow_gen import rpcs, workflows
from pyflow_gen.flow_0 import Rpc, Workflow


async def right(workflow: Workflow, rpc: Rpc) -> None:
    value: float = (await workflow.do("a", "area0.call0", models.In0(key="k"), retries=2)).value
    tags: list[str] = (await workflow.do("b", rpcs.area3.call3(models.In3(key="k")))).tags
    bare: float = (await rpc.invoke("area0.call0", models.In0(key="k"))).value
    run = await workflows.flow_1.start(models.In1(key="x"))
    print(value, tags, bare, (await run.result()).value)


async def handles(workflow: Workflow, rpc: Rpc) -> None:
    once = rpcs.report.write(models.In0(key="k"))
    assert_type(once, RpcCall[Payload[bytes]])
    assert_type(await workflow.do("c", "report.write", models.In0(key="k")), Payload[bytes])
    assert_type(await workflow.do("d", once), Payload[bytes])
    assert_type(await workflow.do("e", once.lazy()), Payload[bytes])
    assert_type(await workflow.do("f", once.lazy().lazy()), Payload[bytes])
    assert_type(await workflow.do("g", rpcs.area0.call0(models.In0(key="k")).lazy()), Payload[models.Out0])
    assert_type(await workflow.do("h", rpcs.bare.call().lazy()), Payload[str])
    assert_type(await rpc.invoke(once), Payload[bytes])
"""
WRONG = """\
from app import models
from pyflow_gen import rpcs, workflows
from pyflow_gen.flow_0 import Rpc, Workflow


async def wrong(workflow: Workflow, rpc: Rpc) -> None:
    await workflow.do("a", "area0.call00", models.In0(key="k"))  # E: misspelled
    await workflow.do("a", "area0.call0", models.In1(key="k"))  # E: wrong data
    await workflow.do("a", "area0.call0")  # E: no data
    await workflow.do("b", rpcs.area3.call3(models.In4(key="k")))  # E: wrong data, reference
    await workflow.do("b", rpcs.area3.call33(models.In3(key="k")))  # E: misspelled reference
    (await workflow.do("a", "area0.call0", models.In0(key="k"))).vale  # E: wrong use of the result
    await rpc.invoke("area0.call0", models.In1(key="k"))  # E: wrong data
    await workflows.flow_1.start(models.In2(key="x"))  # E: wrong input
    (await workflow.do("c", rpcs.report.write(models.In0(key="k")).lazy())).value  # E: a handle is no value
    (await (await workflow.do("c", rpcs.report.write(models.In0(key="k")).lazy())).load()).load  # E: no second handle
    await workflow.do("a", "area0.call0", models.In0(key="k"), retris=1)  # E: unknown option, which ty lets pass
"""
HANDLES = """\
from app import models
from pyflow_core import Payload, Step, wire_rpc


@wire_rpc("report.write")
async def write(data: models.In0, *, step: Step) -> Payload[bytes]:
    return await step.store([data.key.encode()], name="report.txt")


@wire_rpc("bare.call")
async def bare() -> str:
    return ""
"""


def write_project(root: Path, *, rpcs: int, workflows: int = 2, steps: int = 20) -> None:
    """A project whose workflows call its RPCs in turn."""
    app = root / "app"
    app.mkdir(parents=True)
    (root / "pyproject.toml").write_text('[project]\nname = "many"\n')
    (app / "__init__.py").write_text("")
    models = ["from pydantic import BaseModel\n"]
    functions = [HANDLES]
    for number in range(rpcs):
        models.append(f"\n\nclass In{number}(BaseModel):\n    key: str\n    count: int = {number}\n")
        models.append(f"\n\nclass Out{number}(BaseModel):\n    value: float\n    tags: list[str] = []\n")
        head = f'\n\n@wire_rpc("area{number % 25}.call{number}")\n'
        signature = f"async def call{number}(data: models.In{number}) -> models.Out{number}:\n"
        functions.append(f"{head}{signature}    return models.Out{number}(value=1.0)\n")
    (app / "models.py").write_text("".join(models))
    (app / "functions.py").write_text("".join(functions))
    for number in range(workflows):
        (app / f"flow_{number}.py").write_text(_workflow(number, rpcs, steps))
    (root / "right.py").write_text(RIGHT)
    (root / "wrong.py").write_text(WRONG)


def _workflow(number: int, rpcs: int, steps: int) -> str:
    lines = [
        "from app import models",
        "from pyflow_core import WorkflowContext, wire_workflow\n\n",
        f'@wire_workflow("flow-{number}", description="Flow number {number}")',
        f"async def flow_{number}(data: models.In{number}, *, workflow: WorkflowContext) -> models.Out{number}:",
    ]
    lines.append('    await workflow.do("report", "report.write", models.In0(key="a"))')
    for step in range(min(steps, rpcs)):
        rpc = (number * 7 + step) % rpcs
        lines.append(f'    await workflow.do("step{step}", "area{rpc % 25}.call{rpc}", models.In{rpc}(key="a"))')
    return "\n".join([*lines, f"    return models.Out{number}(value=1.0)\n"])
