from ingest import jobs
from pyflow_core import wire_workflow

wire_workflow("backfill", jobs.backfill)
wire_workflow("verify", jobs.checks.verify)
wire_workflow("repair")(jobs.checks.repair)
