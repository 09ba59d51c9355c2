async def verify(data: str, *, workflow) -> bool:
    found = await workflow.do("list", "files.list", data)
    return bool(found)


async def repair(data: str, *, workflow) -> None:
    await workflow.do("load", "files.load", data)
    await workflow.do("store", "rows.store", data)
