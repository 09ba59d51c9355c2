"""Libraries that are extras: imported when a store or a form of payload needs them, and missed by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pyflow_core.errors import MissingExtraError


def require(extra: str, module: str, *submodules: str, what: str) -> Any:
    """A library, with those of its modules that it does not bring itself.

    Raises:
        MissingExtraError: it is not installed; the message names the extra.
    """
    try:
        for name in submodules:
            import_module(f"{module}.{name}")
        return import_module(module)
    except ImportError:
        raise MissingExtraError(f"{what} need {module}: run `pip install 'pyflow-workflows[{extra}]'`") from None
