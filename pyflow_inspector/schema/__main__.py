"""Writes the schema anew, after a change of the metadata."""

import json

from pyflow_inspector.schema import FILE, make_schema

FILE.write_text(json.dumps(make_schema(), indent=2) + "\n", encoding="utf-8")
