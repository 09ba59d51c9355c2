"""The codec of an annotation, built once."""

from __future__ import annotations

from inspect import Parameter
from typing import TYPE_CHECKING, Any, get_origin

from pyflow_core.codec.path import annotation_name
from pyflow_core.codec.plain import PLAIN
from pyflow_core.codec.table import TableCodec, is_table_type
from pyflow_core.errors import UnserialisableValueError

if TYPE_CHECKING:
    from pyflow_core.codec.base import Codec

_MAX_CACHED = 1024
_cache: dict[object, Codec] = {}
_unhashable: dict[int, Codec] = {}


def codec_for(annotation: object) -> Codec:
    """The codec of a type. `Any`, `object` and no annotation at all (`inspect.Parameter.empty`) give `PLAIN`.

    Raises:
        UnserialisableValueError: if pydantic has no schema for the type.
    """
    if annotation is Any or annotation is object or annotation is Parameter.empty:
        return PLAIN
    # `int | str` equals `str | int`, but the order of a union can decide how a value is read.
    key = annotation if isinstance(annotation, type) else (annotation, repr(annotation))
    try:
        return _cache[key]
    except KeyError:
        return _remember(_cache, key, _build(annotation))
    except TypeError:
        return _for_unhashable(annotation)


def _for_unhashable(annotation: object) -> Codec:
    # Each codec keeps its annotation alive, so that no other object can take its id.
    found = _unhashable.get(id(annotation))
    return _remember(_unhashable, id(annotation), _build(annotation)) if found is None else found


def _remember(cache: dict[Any, Codec], key: object, codec: Codec) -> Codec:
    if len(cache) >= _MAX_CACHED:
        cache.clear()
    cache[key] = codec
    return codec


def _build_special(annotation: Any) -> Codec | None:
    """The codecs of types that are no JSON: tables, and types that bring a codec of their own."""
    if is_table_type(annotation):
        return TableCodec(annotation)
    own = getattr(get_origin(annotation) or annotation, "__pyflow_codec__", None)
    return None if own is None else own(annotation)


def _build(annotation: Any) -> Codec:
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError

    from pyflow_core.codec.typed import TypedCodec

    special = _build_special(annotation)
    if special is not None:
        return special
    name = annotation_name(annotation)
    try:
        return TypedCodec(annotation, TypeAdapter(annotation))
    except PydanticSchemaGenerationError as error:
        unknown = str(error).partition("schema for ")[2].partition(". Set `arbitrary")[0] or name
        reason = f"pydantic knows no way to write {unknown}; make it a model or a dataclass"
    except UnserialisableValueError:
        raise
    except Exception as error:  # noqa: BLE001 - types may build their schemas themselves, and raise what they like
        reason = str(error).partition("\n")[0] or type(error).__name__
    raise UnserialisableValueError(f"values of {name} cannot be stored: {reason}")
