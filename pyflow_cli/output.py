"""Where words go: data to standard output, everything for people to standard error."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

_STYLES = {"error": "1;31", "warning": "1;33", "help": "36"}


@dataclass(frozen=True, slots=True)
class Output:
    """The two streams of a command, and how much is said on them."""

    quiet: bool = False
    verbose: bool = False
    color: bool = False

    def data(self, text: str) -> None:
        """What the command was asked for."""
        sys.stdout.write(text if text.endswith("\n") or not text else text + "\n")

    def json(self, document: Any) -> None:
        """What the command was asked for, as JSON."""
        import json

        self.data(json.dumps(document, indent=2, ensure_ascii=False))

    def prose(self, text: str) -> None:
        """What a person may want to know while or after it happens."""
        if not self.quiet:
            sys.stderr.write(text if text.endswith("\n") else text + "\n")

    def detail(self, text: str) -> None:
        """What only a person who looks for something wants to know."""
        if self.verbose:
            self.prose(text)

    def warning(self, message: str) -> None:
        """One line that something is probably not meant so."""
        if not self.quiet:
            self._line("warning", message)

    def error(self, message: str, helps: tuple[str, ...] = ()) -> None:
        """One line that says what is wrong, and a line for each thing that would cure it."""
        self._line("error", message)
        for text in helps:
            self._line("help", text)

    def _line(self, label: str, text: str) -> None:
        shown = f"\x1b[{_STYLES[label]}m{label}:\x1b[0m" if self.color else f"{label}:"
        sys.stderr.write(f"{shown} {one_line(text)}\n")


def one_line(text: str) -> str:
    """The text as one line in which nothing can steer a terminal: control characters are shown escaped."""
    joined = " ".join(part.strip() for part in text.splitlines() if part.strip())
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in joined)


def wants_color(*, no_color: bool) -> bool:
    """Whether standard error is a terminal whose user wants colour (https://no-color.org)."""
    return not no_color and not os.environ.get("NO_COLOR") and sys.stderr.isatty()
