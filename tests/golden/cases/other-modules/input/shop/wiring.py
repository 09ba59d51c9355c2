from pyflow_core import wire_rpc, wire_workflow
from shop.jobs import load
from shop.flows import run

wire_rpc(name="jobs.load", func=load)
wire_workflow(name="jobs", func=run, description="Wired elsewhere")
