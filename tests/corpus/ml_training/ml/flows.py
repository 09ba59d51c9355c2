import asyncio

from ml import names as N
from ml.names import FOLD, Stage
from pyflow_core import WorkflowDocs, wire_workflow


@wire_workflow("train", docs=WorkflowDocs(summary="Train and deploy", tags=["ml"]))
async def train(data: str, *, workflow) -> float:
    parts = await workflow.do(Stage.SPLIT, "data.split", data)
    models = await asyncio.gather(*[workflow.do(FOLD % i, "model.train", part) for i, part in enumerate(parts)])
    scores = [await workflow.do(N.SCORE.format(i), "model.evaluate", m) for i, m in enumerate(models)]
    best = await workflow.do(Stage.BEST.value, lambda: max(scores), returns=float)
    if best > N.BAR:
        await workflow.do(Stage.DEPLOY.name, "model.deploy", models[0])
    return best


@wire_workflow("tune")
async def tune(data: list[float], *, workflow) -> float:
    best = 0.0
    for trial, rate in enumerate(data):
        model = await workflow.do(f"train-{trial}", "model.train", str(rate))
        if (score := await workflow.do(f"score-{trial}", "model.evaluate", model)) > best:
            best = score
            await workflow.do(f"keep-{trial}", lambda best=best: best)
    return best


@wire_workflow("grid")
async def grid(data: dict[str, list[float]], *, workflow) -> int:
    runs = [
        workflow.do(f"{name}={value}", "model.train", f"{name}{value}")
        for name, values in data.items()
        for value in values
        if value
    ]
    return len(await asyncio.gather(*runs))


@wire_workflow("nightly-retrain")
async def nightly_retrain(data: str, *, workflow, logger) -> None:
    try:
        try:
            model = await workflow.do("train", "model.train", data)
        except Exception:
            model = await workflow.do("train-small", "model.train", "small")
        score = await workflow.do("score", "model.evaluate", model)
    except Exception:
        logger.warning("no model tonight")
        return
    if score > 0.5:
        await workflow.do("deploy", "model.deploy", model)


@wire_workflow("drift")
async def drift(data: list[str], *, workflow) -> bool:
    return any([await workflow.do(f"drift-{day}", "model.evaluate", day) > 0.9 for day in data])
