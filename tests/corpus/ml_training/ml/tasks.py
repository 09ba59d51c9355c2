from pyflow_core import wire_rpc


def register(name, **options):
    """Not a wiring by itself: what it is given is."""
    return options | {"name": name}


@wire_rpc("data.split")
def split(data: str) -> list[str]:
    return [data]


@wire_rpc("model.train", timeout="6h", retries=1)
def train(data: str) -> str:
    return data


@wire_rpc("model.evaluate")
def evaluate(data: str) -> float:
    return float(len(data))


@wire_rpc("model.deploy")
def deploy(data: str) -> None: ...
