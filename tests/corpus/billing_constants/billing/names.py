from enum import Enum, StrEnum, auto
from typing import Final

OPEN = "open-invoice"
CLOSE: Final = "close-invoice"
PREFIX: Final[str] = "invoice"
RPC_PREFIX = "invoices"


class Steps(StrEnum):
    DRAFT = "draft-invoice"
    SEND = auto()
    REMIND = "remind-debtor"


class Rpcs(str, Enum):
    CREATE = "invoices.create"
    SEND = "invoices.send"


class Kinds(Enum):
    LATE = "late-fee"
    EARLY = "early-discount"


class Names:
    class Dunning:
        FIRST = "first-reminder"
        SECOND = "second-reminder"

    ARCHIVE = "archive"
