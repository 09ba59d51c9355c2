"""The files of the generated package before they are rendered: what each is made of, and how."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pyflow_cli.codegen.block import Block


@dataclass(frozen=True, slots=True)
class FilePlan:
    """A file that is the same whenever its key is."""

    key: str
    render: Callable[[], str]


def _nothing() -> dict[str, Block]:
    return {}


class Sections:
    """Parts of files that were rendered before, by their keys; they are loaded when the first is needed."""

    def __init__(self, load: Callable[[], dict[str, Block]] = _nothing) -> None:
        self._load = load
        self.used: dict[str, Block] = {}
        """Those that were needed this time."""

    @cached_property
    def _known(self) -> dict[str, Block]:
        return self._load()

    def get(self, key: str, render: Callable[[], Block]) -> Block:
        """The part with this key, rendered only if it is new."""
        block = self.used[key] = self._known.get(key) or render()
        return block

    def kept(self) -> dict[str, Block]:
        """What is worth keeping: what was needed, and the rest unless that has become the larger part."""
        return self.used if len(self._known) > 2 * len(self.used) else {**self._known, **self.used}
