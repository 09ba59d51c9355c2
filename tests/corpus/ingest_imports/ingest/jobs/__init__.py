from . import checks
from .backfill import backfill

__all__ = ["backfill", "checks"]
