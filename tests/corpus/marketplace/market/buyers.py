import asyncio


async def purchase(data: str, *, workflow) -> str:
    held = await workflow.do("hold", "escrow.hold", data)
    label, _ = await asyncio.gather(
        workflow.do("ship", "parcels.ship", held),
        workflow.do("charge", "escrow.charge", held),
    )
    return label


class Disputes:
    @staticmethod
    async def handle(data: str, *, workflow) -> str:
        verdict = await workflow.wait_for("verdict", str, timeout="14d")
        if verdict == "buyer":
            await workflow.do("refund", "escrow.charge", data)
        return verdict


async def auction(data: list[int], *, workflow) -> int:
    highest = 0
    for round_number, bid in enumerate(data, 1):
        highest = await workflow.do(f"round-{round_number}", lambda bid=bid, highest=highest: max(bid, highest))
        await workflow.sleep(f"gap-{round_number}", 30)
    return highest


async def watch(data: str, *, workflow) -> None:
    await workflow.do("watch", "parcels.ship", data)


renamed = watch
