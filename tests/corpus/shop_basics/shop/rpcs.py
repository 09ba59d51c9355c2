from pyflow_core import wire_rpc

from shop.models import Cart, Receipt


@wire_rpc("stock.reserve", retries=3)
async def reserve(data: Cart) -> str:
    return data.id


@wire_rpc("stock.release")
async def release(data: str) -> None: ...


@wire_rpc("payments.charge", retries=5, timeout="30s")
async def charge(data: Cart) -> Receipt:
    return Receipt(data.id, data.total)


@wire_rpc("payments.refund")
async def refund(data: str) -> None: ...


@wire_rpc("mail.send")
def send_mail(data: str) -> None: ...


@wire_rpc("shipping.book")
async def book(data: str) -> str:
    return data
