from __future__ import annotations

import license_texts as texts
import pytest

from audit_app.fingerprint import MAX_TEXT, licenses_in


@pytest.mark.parametrize(
    ("text", "identifiers"),
    [
        (texts.MIT, ["MIT"]),
        (texts.MIT.replace("\n", "\r\n"), ["MIT"]),
        (texts.MIT.upper(), ["MIT"]),
        ("\n".join(f" * {line}" for line in texts.MIT.splitlines()), ["MIT"]),
        (texts.MIT_0, ["MIT-0"]),
        (texts.BSD_2, ["BSD-2-Clause"]),
        (texts.BSD_3, ["BSD-3-Clause"]),
        (texts.BSD_4, ["BSD-4-Clause"]),
        (texts.ISC, ["ISC"]),
        (texts.ZERO_BSD, ["0BSD"]),
        (texts.HPND, ["HPND"]),
        (texts.ZLIB, ["Zlib"]),
        (texts.APACHE, ["Apache-2.0"]),
        (texts.GPL_2, ["GPL-2.0-only"]),
        (texts.GPL_3, ["GPL-3.0-only"]),
        (texts.LGPL_21, ["LGPL-2.1-only"]),
        (texts.LGPL_3, ["LGPL-3.0-only"]),
        (texts.LGPL_3 + texts.GPL_3, ["LGPL-3.0-only"]),
        (texts.AGPL_3, ["AGPL-3.0-only"]),
        (texts.GPL_3_NOTICE, ["GPL-3.0-or-later"]),
        (texts.GPL_2_NOTICE, ["GPL-2.0-only"]),
        (texts.LGPL_NOTICE, ["LGPL-2.1-or-later"]),
        (texts.MPL_2, ["MPL-2.0"]),
        (texts.MPL_2_NOTICE, ["MPL-2.0"]),
        (texts.PYTHON, ["PSF-2.0"]),
        (texts.UNLICENSE, ["Unlicense"]),
        (texts.COMMONS_CLAUSE, ["LicenseRef-Commons-Clause"]),
        (texts.PROPRIETARY, ["LicenseRef-Proprietary"]),
        (texts.MIT + texts.APACHE, ["Apache-2.0", "MIT"]),
        (texts.MIT + texts.GPL_2, ["GPL-2.0-only", "MIT"]),
        ("", []),
        ("Copyright 2020. Have fun.", []),
        ("The license of this is the GNU General Public License.", []),
    ],
)
def test_a_license_is_known_by_its_text(text: str, identifiers: list[str]) -> None:
    assert licenses_in(text) == identifiers


def test_only_the_beginning_of_a_huge_file_is_read() -> None:
    assert licenses_in(" x" * MAX_TEXT + texts.MIT) == []
