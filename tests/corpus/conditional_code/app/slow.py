async def crunch(workflow, data):
    await workflow.do("crunch-slow", "pay.card", data)
