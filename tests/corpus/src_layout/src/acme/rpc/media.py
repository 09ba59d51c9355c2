from pyflow_core import wire_rpc


@wire_rpc("media.transcode", timeout="1h")
def transcode(data: str) -> str:
    return data


@wire_rpc("media.thumbnail")
def thumbnail(data: str) -> str:
    return data


@wire_rpc("media.publish-now")
def publish(data: str) -> None: ...


@wire_rpc("media.ping")
def ping() -> str:
    return "pong"
