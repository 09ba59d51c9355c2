"""Secrets are taken out, the same way every time, and nothing else is touched."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyflow_core.errors import SettingsError
from pyflow_core.payload.scrub import DEFAULT_SCRUBBER, Scrubber
from pyflow_core.secret import REDACTED

SECRETS = [
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_" + "a1B2" * 9,
    "sk-proj-" + "Zz9_" * 8,
    "xoxb-1234567890-abcdef",
    "Bearer abcdefghijklmnop1234",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlc2lnbmF0dXJl",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_goes_and_the_rest_stays(secret: str) -> None:
    clean = DEFAULT_SCRUBBER.text(f"before {secret} after")
    assert secret not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert secret not in DEFAULT_SCRUBBER.json(json.dumps({"a": [f"x {secret}"]}))


def test_a_password_in_a_url_goes_and_the_url_stays() -> None:
    assert DEFAULT_SCRUBBER.text("postgresql://ada:p%40ss@db.example/x") == f"postgresql://{REDACTED}@db.example/x"


@pytest.mark.parametrize(
    "key", ["password", "Password", "API-Key", "api_key", "apiKey", "clientSecret", "Authorization", "Set-Cookie"]
)
def test_values_under_the_name_of_a_secret_keep_their_shape_only(key: str) -> None:
    tree = {key: "hunter2", "kept": "hunter2", "in": [{key: {"a": ["x", 7, True, None, ""], "b": 1.5}}]}
    assert DEFAULT_SCRUBBER.tree(tree) == {
        key: REDACTED,
        "kept": "hunter2",
        "in": [{key: {"a": [REDACTED, 0, True, None, ""], "b": 0}}],
    }


@pytest.mark.parametrize("key", ["next_page_token", "token", "tokens", "passwords_changed", "secretary", "cookies"])
def test_ordinary_words_are_left_alone(key: str) -> None:
    tree = {key: "abc"}
    assert DEFAULT_SCRUBBER.tree(tree) is tree


@given(TREES)
def test_scrubbing_twice_is_scrubbing_once_and_what_is_clean_is_the_same_object(tree: object) -> None:
    once = DEFAULT_SCRUBBER.tree(tree)  # type: ignore[arg-type]
    assert DEFAULT_SCRUBBER.tree(once) is once
    assert DEFAULT_SCRUBBER.tree(tree) == once  # type: ignore[arg-type]


def test_a_project_says_itself_what_is_secret() -> None:
    scrubber = Scrubber(keys=["iban"], patterns=[r"\bDE\d{20}\b"])
    assert scrubber.json('{"iban":"DE12","x":"DE12345678901234567890","password":"p"}') == json.dumps(
        {"iban": REDACTED, "x": REDACTED, "password": "p"}, separators=(",", ":")
    )
    with pytest.raises(SettingsError, match="no regular expression"):
        Scrubber(patterns=["("])


@pytest.mark.parametrize(
    "text", ["a" * 200_000, "Bearer " * 30_000, "://a:" * 40_000, "eyJ" * 60_000, "-----BEGIN " * 9_000]
)
def test_a_hostile_text_does_not_make_matching_slow(text: str) -> None:
    """Ten times the text takes about ten times as long, and not a hundred."""

    def cost(part: str) -> float:
        before = time.process_time()
        for _ in range(3):
            DEFAULT_SCRUBBER.text(part)
        return time.process_time() - before

    small = max(cost(text[: len(text) // 10]), 1e-4)
    assert cost(text) < 60 * small
