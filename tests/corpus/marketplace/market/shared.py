async def verify(data: str) -> bool:
    return bool(data)


async def hold(data: str) -> str:
    return data


async def charge(data: str) -> str:
    return data


def ship(data: str) -> str:
    return data
