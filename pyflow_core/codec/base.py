"""What every codec can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pyflow_core.codec.canonical import hash_text


class Codec(ABC):
    """Writes the values of one declared type as JSON text, and reads them back.

    The text is valid UTF-8. Nothing in it is ever executed or imported: a stored value can only become data.
    """

    __slots__ = ("annotation", "text_only")

    def __init__(self, annotation: object, *, text_only: bool = True) -> None:
        self.annotation = annotation
        self.text_only = text_only
        """Whether its values are text and nothing else: no table, no handle, and no handle in them."""

    @abstractmethod
    def round_trip(self, value: Any) -> tuple[str, Any]:
        """The stored text of `value`, and a fresh value decoded from it that shares nothing with `value`.

        Validators of models run once, as they will whenever the text is read.

        Raises:
            UnserialisableValueError: if decoding would not give `value` back. It names the path inside the value.
        """

    @abstractmethod
    def decode(self, text: str) -> Any:
        """A fresh value from stored text.

        Raises:
            StoredValueError: if the text is no value of this type.
        """

    @abstractmethod
    def from_json_input(self, text: str | bytes) -> Any:
        """A value from JSON that a person or a program sent (aliases allowed, tags not understood).

        Raises:
            InvalidInputError: with one line for each field that does not fit.
        """

    def canonical_hash(self, value: Any) -> str:
        """The hash of `value`: `hash_text(encode(value))`. Equal values have equal hashes in every process."""
        return hash_text(self.encode(value))

    def encode(self, value: Any) -> str:
        """The stored text of `value`.

        Raises:
            UnserialisableValueError: if decoding would not give `value` back. It names the path inside the value.
        """
        return self.round_trip(value)[0]

    def rehash(self, text: str) -> str:
        """The hash that stored text has once it is read as the present type.

        Fields that were reordered, or that came to the type with a default, make no difference then.

        Raises:
            StoredValueError: if the text is no value of this type.
        """
        return self.canonical_hash(self.decode(text))
