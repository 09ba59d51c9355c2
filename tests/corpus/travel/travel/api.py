import pyflow_core as pyflow
from pydantic import BaseModel


class Trip(BaseModel):
    traveller: str
    legs: list[str]
    hotel: str | None = None
    car: bool = False


@pyflow.wire_rpc("flights.book", retries=2)
async def book_flight(data: str) -> str:
    return data


@pyflow.wire_rpc("flights.cancel")
async def cancel_flight(data: str) -> None: ...


@pyflow.wire_rpc("hotels.book")
async def book_hotel(data: str) -> str:
    return data


@pyflow.wire_rpc("hotels.cancel")
async def cancel_hotel(data: str) -> None: ...


@pyflow.wire_rpc("cars.book")
async def book_car(data: str) -> str:
    return data
