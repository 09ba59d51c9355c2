from pyflow_core import wire_rpc


class Robot:
    def do(self, name: str, what: str) -> str:
        return name + what


@wire_rpc("robots.move")
async def move(data: str) -> str:
    robot = Robot()
    return robot.do("move", data)


@wire_rpc("robots.relay")
async def relay(data: str, *, rpc) -> str:
    return await rpc.invoke("robots.move", data)
