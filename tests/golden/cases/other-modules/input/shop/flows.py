from shop.jobs import Job


async def run(data: Job, *, workflow) -> list[Job]:
    return await workflow.do("load", "jobs.load", data)
