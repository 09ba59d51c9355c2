async def crunch(workflow, data):
    await workflow.do("crunch-fast", "pay.card", data)
