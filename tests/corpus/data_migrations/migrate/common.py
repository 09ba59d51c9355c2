import asyncio
from functools import partial, wraps


async def in_batches(workflow, items, work, size=10):
    for start in range(0, len(items), size):
        batch = items[start : start + size]
        await asyncio.gather(*(work(workflow, one) for one in batch))
        await workflow.do(f"checkpoint-{start}", lambda: None)


def announced(name):
    def decorate(function):
        @wraps(function)
        async def wrapper(workflow, *args, **kwargs):
            await workflow.do(f"begin-{name}", "chat.post", name)
            try:
                return await function(workflow, *args, **kwargs)
            finally:
                await workflow.do(f"end-{name}", "chat.post", name)

        return wrapper

    return decorate


copy_with = partial
