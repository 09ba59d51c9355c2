from dataclasses import dataclass


@dataclass
class Cart:
    id: str
    customer_id: str
    lines: list[str]
    total: float
    express: bool = False


@dataclass
class Receipt:
    order_id: str
    total: float
