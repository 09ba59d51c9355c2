"""`Payload[T]`: a value that is passed from step to step without being loaded.

A handle is a reference with a type. It goes through workflows, inputs and results as itself, and only a step loads it:

    async def count(pages: Payload[list[Page]]) -> int:
        return len(await pages.load())

Who may load, and from where, is a matter of the context: the engine puts an access around each attempt of a step, and
one that refuses around workflow code. Elsewhere handles, such as those that a run has given, load through the open
connection.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeAlias, TypeVar, cast, get_args

from typing_extensions import TypeIs, override

from pyflow_core.codec.json_text import parse_json
from pyflow_core.errors import PayloadContractError, PayloadForbiddenError
from pyflow_core.payload.reference import facts_of, reference_tree, show_reference

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Mapping

    from pyflow_core.codec import Codec
    from pyflow_core.payload.reference import Reference

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class PayloadAccess(Protocol):
    """What a handle loads through; `PayloadReader` is one."""

    async def read(self, reference: Reference) -> bytes:
        """The verified bytes."""
        ...

    def open(self, reference: Reference) -> AsyncGenerator[bytes]:
        """The bytes in chunks."""
        ...

    async def range(self, reference: Reference, start: int, end: int) -> bytes:
        """A part of the bytes."""
        ...

    async def save(self, raw: bytes) -> Reference:
        """Keep the JSON of a configuration."""
        ...


_access: ContextVar[PayloadAccess | None] = ContextVar("pyflow_payload_access", default=None)


@contextmanager
def payload_access(access: PayloadAccess | None) -> Generator[None]:
    """Let handles load through this inside the block; None forbids it."""
    token = _access.set(access)
    try:
        yield
    finally:
        _access.reset(token)


_connected: list[PayloadAccess] = []
"""Those of the open connections of this process; the last one serves."""


def connect_payloads(access: PayloadAccess) -> Callable[[], None]:
    """Let handles load through this wherever no step or workflow is running, until what is returned is called."""
    _connected.append(access)
    return lambda: _connected.remove(access)


def use_payload_access(access: PayloadAccess) -> None:
    """Let handles of this context load through this, or be refused by it."""
    _access.set(access)


_met: ContextVar[list[Reference] | None] = ContextVar("pyflow_payloads_met", default=None)


@contextmanager
def met_handles() -> Generator[list[Reference]]:
    """The references of all handles that are written inside the block, as parts of a larger value."""
    met: list[Reference] = []
    token = _met.set(met)
    try:
        yield met
    finally:
        _met.reset(token)


class Payload(Generic[T_co]):
    """A value that lies in a payload store. Equal handles name equal payloads; nothing is loaded by comparing them."""

    __slots__ = ("_access", "_annotation", "_context", "_reference")

    def __init__(
        self,
        reference: Reference,
        annotation: Any = Any,
        context: str | None = None,
        *,
        access: PayloadAccess | None = None,
    ) -> None:
        self._access = access
        self._reference = reference
        self._annotation = annotation
        self._context = context

    @property
    def reference(self) -> Reference:
        """Where it lies, how large it is, who wrote it."""
        return self._reference

    @property
    def context(self) -> Mapping[str, Any]:
        """What the step extracted of the value for conditions and lists, without loading it; empty if nothing."""
        return {} if self._context is None else cast("dict[str, Any]", parse_json(self._context))

    @property
    def size_bytes(self) -> int:
        """How many bytes loading will bring, uncompressed."""
        return self._reference.bytes

    @staticmethod
    async def save(value: T, as_type: Any = None) -> Payload[T]:
        """Keep a configuration, and give the handle by which any number of runs may be given it.

        Equal values are kept once, whatever their size; saving one again costs a look. What no run has been given for
        a week may be deleted, so save it where runs are started rather than once for ever.

        Args:
            value: what JSON can hold by its type.
            as_type: the type by which it is written, where that of the value does not say it all (`list[Rule]`).

        Raises:
            UnserialisableValueError: it cannot be stored as its type.
            PayloadStoreUnavailableError: nothing was kept; try again.
            PayloadForbiddenError: there is no open connection, or this is workflow code.
        """
        from pyflow_core.codec import codec_for
        from pyflow_core.payload.value import encode_configuration

        annotation = type(value) if as_type is None else as_type
        raw = encode_configuration(codec_for(annotation), value)
        return Payload(await _access_to(None).save(raw), annotation)

    async def load(self) -> T_co:
        """The value, verified and decoded by its declared type.

        Raises:
            PayloadError: one of its kinds; none quotes the payload.
            StoredValueError: the payload is no value of the declared type.
        """
        from pyflow_core.codec import codec_for

        return cast("T_co", await load_as(codec_for(self._annotation), self))

    def open(self) -> AsyncGenerator[bytes]:
        """The bytes in chunks: `async for chunk in payload.open()`.

        A payload that does not verify ends in an error, so keep nothing made of the chunks before the last has come.
        """
        return self.access.open(self._reference)

    async def range(self, start: int, end: int) -> bytes:
        """The bytes from `start` up to `end`."""
        return await self.access.range(self._reference, start, end)

    @property
    def access(self) -> PayloadAccess:
        """What it loads through here.

        Raises:
            PayloadForbiddenError: there is no open connection.
        """
        return self._access or _access_to(self._reference)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Payload) and other._reference == self._reference

    @override
    def __hash__(self) -> int:
        return hash((self._reference.store, self._reference.key, self._reference.sha256))

    @override
    def __repr__(self) -> str:
        reference = self._reference
        return f"<Payload {show_reference(reference)} {reference.bytes} bytes {reference.content_type}>"

    @override
    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("a Payload is not pickled: pass it through a step, or keep its reference")

    def __copy__(self) -> Payload[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Payload[T_co]:
        return self

    @classmethod
    def __pyflow_codec__(cls, annotation: Any) -> Codec:
        """The codec of a handle that is declared by itself, not as a part of something else."""
        from pyflow_core.codec import codec_for
        from pyflow_core.payload.handle_codec import PayloadCodec

        (inner,) = get_args(annotation) or (Any,)
        return PayloadCodec(annotation, codec_for(inner))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """A handle in JSON is its reference; what is not one is refused."""
        from pydantic_core import core_schema

        (annotation,) = get_args(source) or (Any,)

        def read_payload(tree: Any) -> Payload[Any]:
            if type(tree) is cls:
                return tree
            return Payload(_reference_of(tree), annotation)

        return core_schema.no_info_plain_validator_function(
            read_payload,
            json_schema_input_schema=core_schema.any_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _write_handle, return_schema=core_schema.any_schema()
            ),
        )


async def load_as(codec: Codec, payload: Payload[Any]) -> Any:
    """The value of a handle, verified and decoded by this codec.

    Raises:
        PayloadError, StoredValueError
    """
    from pyflow_core.payload.value import decode_body

    reference = payload.reference
    return decode_body(codec, await payload.access.read(reference), reference.encoding)


def _access_to(reference: Reference | None) -> PayloadAccess:
    access = _access.get() or (_connected[-1] if _connected else None)
    if access is None:
        raise PayloadForbiddenError(
            "payloads are loaded and saved inside steps, or by callers with an open connection",
            None if reference is None else facts_of(reference),
        )
    return access


Given: TypeAlias = T | Payload[T]
"""What generated signatures take for a value: the value itself, or a handle to one."""


def is_handle(value: object) -> TypeIs[Payload[Any]]:
    """Whether a value is a handle."""
    return type(value) is Payload


def _write_handle(payload: Payload[Any]) -> dict[str, Any]:
    met = _met.get()
    if met is not None:
        met.append(payload.reference)
    return reference_tree(payload.reference)


def _reference_of(tree: Any) -> Reference:
    from pyflow_core.codec.json_text import write_json
    from pyflow_core.codec.kind import is_mapping
    from pyflow_core.payload.boundary import read_reference

    if not (is_mapping(tree) and "type" in tree):
        raise ValueError(
            "a handle is wanted, not the value: save it with Payload.save(...), and give what that returns"
        )
    try:
        found = read_reference(write_json(dict(tree)))
    except PayloadContractError as error:
        raise ValueError(error.message) from None
    if isinstance(found, tuple):
        raise ValueError("a handle names one payload")  # noqa: TRY004 - pydantic tells of ValueErrors
    return found
