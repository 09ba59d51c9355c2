async def backfill(data: list[str], *, workflow) -> None:
    first, *rest = data
    await workflow.do("first", "files.load", first)
    for day in rest:
        await workflow.do(f"day-{day}", "files.load", day)
