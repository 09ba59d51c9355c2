import functools
from decimal import Decimal

RATES = {"EU": Decimal("0.2")}


def rate(region: str = "EU") -> Decimal:
    return RATES.get(region, Decimal("0.08"))


async def slow_rate() -> Decimal:
    return Decimal("0.1")


@functools.cache
def cached_rate() -> Decimal:
    return Decimal("0.3")


double = lambda: 2


class Calculator:
    def __init__(self, base: int) -> None:
        self.base = base

    def total(self) -> int:
        return self.base * 2

    @staticmethod
    def fixed() -> int:
        return 7

    @classmethod
    def made(cls) -> int:
        return cls(1).total()
