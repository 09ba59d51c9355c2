from .wires import flow as durable


@durable("nightly-import")
async def nightly(data: str, *, workflow) -> int:
    files = await workflow.do("list", "files.list", data)
    total = 0
    for file in files:
        text = await workflow.do(f"load-{file}", "files.load", file)
        total += await workflow.do(f"store-{file}", "rows.store", text)
    return total
