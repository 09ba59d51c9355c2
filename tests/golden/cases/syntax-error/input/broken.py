from pyflow_core import wire_rpc
x = (
