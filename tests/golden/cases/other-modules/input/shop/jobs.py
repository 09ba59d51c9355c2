from dataclasses import dataclass


@dataclass
class Job:
    name: str
    size: int = 1


async def load(data: Job) -> list[Job]:
    """Load it."""
    return [data]
