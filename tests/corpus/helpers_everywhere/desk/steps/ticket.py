__all__ = ["opened", "closed"]


async def opened(text, *, flow):
    return await flow.do("open", "tickets.open", text)


async def closed(number, do):
    await do("close", "tickets.close", number)
