"""The state port on SQLite: one file beside the project, any number of processes of one machine."""

from pyflow_services.sqlite.service import SqliteStateService
from pyflow_services.sqlite.url import from_url

__all__ = ["SqliteStateService", "from_url"]
