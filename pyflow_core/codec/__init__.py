"""How values are written and read: typed by pydantic, or plain where no type is declared.

`codec_for(annotation)` gives the codec of a type, `PLAIN` is that of undeclared values, `hash_text` compares stored
text. Importing this does not import pydantic; building the first codec does.
"""

from __future__ import annotations

from pyflow_core.codec.base import Codec
from pyflow_core.codec.canonical import hash_text
from pyflow_core.codec.lookup import codec_for
from pyflow_core.codec.plain import PLAIN

__all__ = ["PLAIN", "Codec", "codec_for", "hash_text"]
