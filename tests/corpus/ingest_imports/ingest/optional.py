try:
    from pyflow_core import wire_workflow
except ImportError:
    wire_workflow = None


@wire_workflow("sample")
async def sample(data: str, *, workflow) -> str:
    return await workflow.do("load", "files.load", data)
