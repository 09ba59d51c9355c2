from __future__ import annotations

import pytest

from audit_app.category import Category
from audit_app.spdx import MAX_DEPTH, SpdxError, is_known, parse

P, W, U, S, R = Category


@pytest.mark.parametrize(
    ("text", "written", "category"),
    [
        ("MIT", "MIT", P),
        ("mit", "MIT", P),
        ("  MIT  ", "MIT", P),
        ("GPL-3.0", "GPL-3.0-only", S),
        ("GPL-3.0+", "GPL-3.0-or-later", S),
        ("Apache-2.0+", "Apache-2.0", P),
        ("MIT AND Apache-2.0", "MIT AND Apache-2.0", P),
        ("MIT and Apache-2.0", "MIT AND Apache-2.0", P),
        ("MIT AND MIT", "MIT", P),
        ("MIT OR GPL-3.0-only", "MIT OR GPL-3.0-only", P),
        ("MIT AND GPL-3.0-only", "MIT AND GPL-3.0-only", S),
        ("MIT OR GPL-3.0-only AND MPL-2.0", "MIT OR (GPL-3.0-only AND MPL-2.0)", P),
        ("(MIT OR GPL-3.0-only) AND MPL-2.0", "(MIT OR GPL-3.0-only) AND MPL-2.0", W),
        ("((MIT))", "MIT", P),
        ("MIT OR (Apache-2.0 OR ISC)", "MIT OR Apache-2.0 OR ISC", P),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0", W),
        ("GPL-3.0-only WITH GCC-exception-3.1", "GPL-3.0-only WITH GCC-exception-3.1", W),
        ("GPL-3.0-only with some-exception", "GPL-3.0-only WITH some-exception", S),
        ("Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception", P),
        ("BUSL-1.1", "BUSL-1.1", R),
        ("MIT AND BUSL-1.1", "MIT AND BUSL-1.1", R),
        ("LicenseRef-Proprietary", "LicenseRef-Proprietary", R),
        ("LicenseRef-Acme-Commercial", "LicenseRef-Acme-Commercial", R),
        ("LicenseRef-Acme", "LicenseRef-Acme", U),
        ("MIT OR LicenseRef-Acme", "MIT OR LicenseRef-Acme", P),
        ("MIT AND LicenseRef-Acme", "MIT AND LicenseRef-Acme", U),
        ("GPL-3.0-only OR LicenseRef-Acme", "GPL-3.0-only OR LicenseRef-Acme", U),
        ("DocumentRef-x:LicenseRef-Acme", "DocumentRef-x:LicenseRef-Acme", U),
    ],
)
def test_an_expression_is_read(text: str, written: str, category: Category) -> None:
    expression = parse(text)
    assert (str(expression), expression.category) == (written, category)


@pytest.mark.parametrize("text", ["MIT", "MIT OR (GPL-3.0-only AND MPL-2.0)", "(MIT OR ISC) AND Zlib"])
def test_what_is_written_reads_the_same_again(text: str) -> None:
    assert str(parse(str(parse(text)))) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "AND",
        "MIT AND",
        "OR MIT",
        "MIT MIT",
        "MIT License",
        "(MIT",
        "MIT)",
        "()",
        "MIT WITH",
        "MIT WITH (x)",
        "(MIT OR ISC) WITH x",
        "MIT/ISC",
        "MIT, ISC",
        "MIT & ISC",
        "© 2024",
        "MIT\0",
        "(" * (MAX_DEPTH + 1) + "MIT" + ")" * (MAX_DEPTH + 1),
        "MIT OR " * 1000 + "MIT",
    ],
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(SpdxError):
        parse(text)


def test_an_unknown_identifier_is_kept_and_told() -> None:
    assert is_known(parse("MIT OR ISC"))
    assert not is_known(parse("MIT OR Frobnicate-1.0"))
