from .wires import rpc


@rpc("files.list")
async def list_files(data: str) -> list[str]:
    return [data]


@rpc("files.load", retries=3)
async def load(data: str) -> str:
    return data


@rpc(name="rows.store")
async def store(data: str) -> int:
    return len(data)
