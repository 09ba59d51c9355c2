"""The data plane: what is too large, or too binary, for a row, and the references that stand in its place.

A value becomes a `draft`, then a `deposit` that knows where it goes (`policy`); `keeper` sees it through the commit of
its row. `DataPlane` stores values (`writer`) and fetches them (`reader`). `Payload` is the handle that authors see.
References and envelopes that others write are checked by `boundary`. Stores implement `pyflow_core.ports.payload`.
"""
