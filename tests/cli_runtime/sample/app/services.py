from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Services:
    """`folder` is where tests leave files for steps, and steps for tests."""

    folder: Path


def create_services() -> Services:
    return Services(Path(__file__).resolve().parents[1])
