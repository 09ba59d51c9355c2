"""The data plane: what is too large, or too binary, for a row, and the references that stand in its place.

`DataPlane` is what the engine uses: it decides what stays inline (`policy`), stores the rest (`writer`) and fetches it
(`reader`). `Payload` is the handle that authors see. References and envelopes that others write are checked by
`boundary`. Stores implement `pyflow_core.ports.payload`.
"""
