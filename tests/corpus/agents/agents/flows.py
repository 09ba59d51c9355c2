from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from pyflow_core import wire_workflow

from agents.models import Answer, Question

if TYPE_CHECKING:
    from pyflow_gen.react import Workflow

MAX_TURNS = 8


@wire_workflow("react", description="Think, act, look, again")
async def react(data: Question, *, workflow: Workflow) -> Answer:
    turn = 0
    question = data
    while turn < MAX_TURNS:
        turn += 1
        thought = await workflow.do(f"think-{turn}", "llm.complete", question)
        if thought.done:
            return thought
        match thought.tool:
            case "search":
                seen = await workflow.do(f"search-{turn}", "tools.search", thought.text)
                observation = "\n".join(seen)
            case "python":
                observation = await workflow.do(f"python-{turn}", "tools.python", thought.text)
            case _:
                observation = await workflow.do(f"refuse-{turn}", lambda: "no such tool")
        question = Question(text=observation)
    return Answer(text="gave up")


@wire_workflow("rag")
async def rag(data: Question, *, workflow) -> Answer:
    vector, hits = await asyncio.gather(
        workflow.do("embed", "llm.embed", data.text),
        workflow.do("search", "tools.search", data.text),
    )
    ranked = await workflow.do("rank", lambda: sorted(hits), returns=list[str])
    return await workflow.do("answer", "llm.complete", Question(text=f"{vector}{ranked}"))


@wire_workflow("index-documents")
async def index_documents(data: list[str], *, workflow) -> int:
    vectors = [await workflow.do(f"embed-{i}", "llm.embed", text) for i, text in enumerate(data)]
    async with asyncio.TaskGroup() as group:
        for i, vector in enumerate(vectors):
            group.create_task(workflow.do(f"upsert-{i}", "index.upsert", vector))
    return len(vectors)


@wire_workflow("debate")
async def debate(data: Question, *, workflow) -> Answer:
    async def speak(side: str, turn: int) -> Answer:
        return await workflow.do(f"{side}-{turn}", "llm.complete", data)

    for turn in range(3):
        await speak("pro", turn)
        await speak("contra", turn)
    return await workflow.do("verdict", "llm.complete", data)


@wire_workflow("self-check")
async def self_check(data: Question, *, workflow) -> Answer:
    draft = await workflow.do("draft", "llm.complete", data)
    for attempt in range(1, data.budget + 1):
        verdict = await workflow.do(f"judge-{attempt}", "llm.complete", Question(text=draft.text))
        if verdict.done:
            break
        draft = await workflow.do(f"revise-{attempt}", "llm.complete", Question(text=verdict.text))
    else:
        draft = await workflow.do("fallback", lambda: Answer(text="unsure"), returns=Answer)
    return draft


@wire_workflow("map-reduce")
async def map_reduce(data: list[str], *, workflow) -> Answer:
    async def summarise(index: int, text: str) -> Answer:
        short = await workflow.do(f"map-{index}", "llm.complete", Question(text=text))
        return await workflow.do(f"tidy-{index}", lambda: Answer(text=short.text.strip()), returns=Answer)

    parts = await asyncio.gather(*[summarise(i, one) for i, one in enumerate(data)])
    return await workflow.do("reduce", "llm.complete", Question(text=" ".join(p.text for p in parts)))


@wire_workflow("speculative")
async def speculative(data: Question, *, workflow) -> Answer:
    quick = asyncio.create_task(workflow.do("quick", "llm.complete", data))
    slow = asyncio.ensure_future(workflow.do("slow", "llm.complete", data))
    done, _ = await asyncio.wait({quick, slow}, return_when=asyncio.FIRST_COMPLETED)
    return quick.result() if quick in done else slow.result()


@wire_workflow("eval-suite")
async def eval_suite(data: dict[str, list[Question]], *, workflow) -> dict[str, int]:
    scores: dict[str, int] = {}
    for suite, questions in data.items():
        answers = await asyncio.gather(
            *(workflow.do(f"{suite}/{n}", "llm.complete", q) for n, q in enumerate(questions)),
        )
        scores[suite] = sum(answer.done for answer in answers)
    await workflow.do("report", lambda: sum(scores.values()))
    return scores
