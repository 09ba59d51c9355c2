"""What a secret looks like in a text, and the text without it."""

from __future__ import annotations

import re

REDACTED = "[redacted]"

SECRET_PATTERNS = (
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b",
    r"\bsk-[A-Za-z0-9_-]{20,200}\b",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,200}\b",
    r"(?i:\b(?:bearer|basic)\s+)[A-Za-z0-9+/=_.~-]{16,4096}",
    r"\beyJ[A-Za-z0-9_-]{10,4096}\.eyJ[A-Za-z0-9_-]{10,8192}\.[A-Za-z0-9_-]{10,4096}",
    r"(?<=://)[^/\s:@\"]{0,200}:(?!…@)[^/\s@\"]{1,200}(?=@)",
)
"""What a secret looks like in a text. Each is bounded, so that a hostile text cannot make matching slow."""

_EXPRESSION = re.compile("|".join(f"(?:{pattern})" for pattern in SECRET_PATTERNS))


def redacted(text: str) -> str:
    """A text for people without what looks like a secret."""
    return _EXPRESSION.sub(REDACTED, text)
