from pyflow_core import wire_workflow


async def handle_return(data: str, *, workflow) -> str:
    label = await workflow.do("label", "shipping.book", data)
    try:
        await workflow.do("refund", "payments.refund", data)
    except Exception:
        await workflow.do("apologise", "mail.send", data)
        raise
    return label


async def remind(data: list[str], *, workflow) -> int:
    sent = 0
    for address in data:
        await workflow.do(f"remind-{address}", "mail.send", address, description="Remind one customer")
        sent += 1
    return sent


wire_workflow("returns", handle_return)
wire_workflow(name="abandoned-cart", func=remind, description="Mail everyone who left a cart")
