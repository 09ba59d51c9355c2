import pyflow_core as pyflow

from travel.api import Trip


@pyflow.wire_workflow("book-trip", description="All or nothing")
async def book_trip(data: Trip, *, workflow: pyflow.WorkflowContext) -> list[str]:
    undo: list = []
    booked: list[str] = []
    try:
        for leg in data.legs:
            flight = await workflow.do(f"flight-{leg}", "flights.book", leg)
            undo.append(lambda flight=flight, leg=leg: workflow.do(f"cancel-flight-{leg}", "flights.cancel", flight))
            booked.append(flight)
        if data.hotel is not None:
            room = await workflow.do("hotel", "hotels.book", data.hotel)
            undo.append(lambda: workflow.do("cancel-hotel", "hotels.cancel", room))
            booked.append(room)
        if data.car:
            booked.append(await workflow.do("car", "cars.book", data.traveller))
    except Exception:
        for compensate in reversed(undo):
            await compensate()
        raise
    return booked


async def _rebook(workflow, leg, *, suffix=""):
    await workflow.do(f"cancel-{leg}{suffix}", "flights.cancel", leg)
    return await workflow.do(f"book-{leg}{suffix}", "flights.book", leg)


@pyflow.wire_workflow("rebook")
async def rebook(data: Trip, *, workflow) -> str:
    out = await _rebook(workflow, "out")
    back = await _rebook(workflow, "back", suffix="-2")
    return out + back


@pyflow.wire_workflow("price-watch")
async def price_watch(data: str, *, workflow) -> str:
    tries = 0
    while True:
        tries += 1
        offer = await workflow.do("look-%d" % tries, "flights.book", data)
        if offer or tries > 20:
            break
    return await workflow.do("take", "flights.book", offer)


@pyflow.wire_workflow("group-trip")
async def group_trip(data: list[Trip], *, workflow) -> None:
    async def one(trip: Trip) -> None:
        async def leg(name: str) -> None:
            await workflow.do(f"{trip.traveller}-{name}", "flights.book", name)

        for name in trip.legs:
            await leg(name)

    for trip in data:
        await one(trip)


@pyflow.wire_workflow("itinerary")
async def itinerary(data: Trip, *, workflow) -> str:
    match data:
        case Trip(hotel=None, car=False):
            kind = await workflow.do("plain", lambda: "plain")
        case Trip(hotel=str() as hotel):
            kind = await workflow.do("hotel", "hotels.book", hotel)
        case _ if data.car:
            kind = await workflow.do("car", "cars.book", data.traveller)
        case _:
            kind = "none"
    return kind
