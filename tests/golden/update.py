"""Make what the commands give now what is expected of them: read the difference before you commit it.

python tests/golden/update.py [CASE…]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from golden_case import case_names, expected, run_case, write_expected

for name in sys.argv[1:] or case_names():
    with tempfile.TemporaryDirectory() as folder:
        outcome = run_case(name, Path(folder) / name)
    if outcome != expected(name):
        write_expected(name, outcome)
        print(f"updated {name}")
