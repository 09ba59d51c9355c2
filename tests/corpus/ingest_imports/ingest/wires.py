from pyflow_core import wire_rpc as rpc
from pyflow_core import wire_workflow as flow

__all__ = ["flow", "rpc"]
