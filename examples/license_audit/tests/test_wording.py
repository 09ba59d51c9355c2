from __future__ import annotations

import pytest

from audit_app.wording import from_classifiers, from_field

APACHE_NOTICE = """Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.

Unless required by applicable law or agreed to in writing, software is distributed on an "AS IS" BASIS."""


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("MIT", "MIT"),
        ("MIT License", "MIT"),
        ("The MIT License", "MIT"),
        ("The MIT License (MIT)", "MIT"),
        ("MIT license.", "MIT"),
        ("MIT Licence", "MIT"),
        ("Expat", "MIT"),
        ("MIT/X11", "MIT"),
        ("BSD", "LicenseRef-BSD"),
        ("BSD License", "LicenseRef-BSD"),
        ("BSD-style", "LicenseRef-BSD"),
        ("New BSD", "BSD-3-Clause"),
        ("new BSD License", "BSD-3-Clause"),
        ("3-Clause BSD License", "BSD-3-Clause"),
        ("BSD 3-Clause", "BSD-3-Clause"),
        ("BSD-3-Clause", "BSD-3-Clause"),
        ("BSD (3-clause)", "BSD-3-Clause"),
        ("Simplified BSD", "BSD-2-Clause"),
        ("Apache", "LicenseRef-Apache"),
        ("Apache 2", "Apache-2.0"),
        ("Apache 2.0", "Apache-2.0"),
        ("Apache-2.0", "Apache-2.0"),
        ("Apache License 2.0", "Apache-2.0"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("Apache Software License 2.0", "Apache-2.0"),
        ("ASL 2.0", "Apache-2.0"),
        ("GPL", "LicenseRef-GPL"),
        ("GPLv2", "GPL-2.0-only"),
        ("GPL v3", "GPL-3.0-only"),
        ("GPL-3", "GPL-3.0-only"),
        ("GPLv3+", "GPL-3.0-or-later"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("GPL v2 or later", "GPL-2.0-or-later"),
        ("GPL version 2 or any later version", "GPL-2.0-or-later"),
        ("GNU General Public License v3", "GPL-3.0-only"),
        ("GNU General Public License v3 or later (GPLv3+)", "GPL-3.0-or-later"),
        ("GNU GPL", "LicenseRef-GPL"),
        ("LGPL", "LicenseRef-LGPL"),
        ("LGPLv3", "LGPL-3.0-only"),
        ("LGPLv2.1+", "LGPL-2.1-or-later"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "LGPL-3.0-only"),
        ("AGPLv3", "AGPL-3.0-only"),
        ("GNU Affero General Public License v3", "AGPL-3.0-only"),
        ("GNU AGPLv3", "AGPL-3.0-only"),
        ("MPL 2.0", "MPL-2.0"),
        ("MPL-2.0", "MPL-2.0"),
        ("Mozilla Public License 2.0 (MPL 2.0)", "MPL-2.0"),
        ("PSF", "PSF-2.0"),
        ("Python Software Foundation License", "PSF-2.0"),
        ("ISC License", "ISC"),
        ("ZPL 2.1", "ZPL-2.1"),
        ("Public Domain", "LicenseRef-Public-Domain"),
        ("Unlicense", "Unlicense"),
        ("Proprietary", "LicenseRef-Proprietary"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT or Apache-2.0", "MIT OR Apache-2.0"),
        ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
        ("BSD or Apache License, Version 2.0", "LicenseRef-BSD OR Apache-2.0"),
        ("GPLv2 or later or MIT", "GPL-2.0-or-later OR MIT"),
        ("MIT, BSD", "MIT AND LicenseRef-BSD"),
        ("MIT and BSD", "MIT AND LicenseRef-BSD"),
        ("BSD-3-Clause AND MIT", "BSD-3-Clause AND MIT"),
        ("All contributions towards Frob are MIT licensed.", "MIT"),
        ("MIT (GPL-compatible)", "MIT"),
        ("free for non-commercial use", "LicenseRef-Proprietary"),
        (APACHE_NOTICE, "Apache-2.0"),
        ("", None),
        ("UNKNOWN", None),
        ("Dual License", None),
        ("see LICENSE", None),
        ("LICENSE.txt", None),
        ("Copyright 2020 Somebody", None),
        ("not GPL", None),
        ("commit often", None),
        ("Frobnicate-1.0", None),
        ("\x00\x01", None),
        ("许可证", None),
    ],
)
def test_the_license_field_is_read(text: str, read: str | None) -> None:
    expression = from_field(text)
    assert (None if expression is None else str(expression)) == read


def test_classifiers_are_read_as_if_all_of_them_hold() -> None:
    expression, strange = from_classifiers(
        [
            "Programming Language :: Python",
            "License :: OSI Approved",
            "License :: OSI Approved :: MIT License",
            "License :: OSI Approved :: GNU General Public License v3 or later (GPLv3+)",
            "License :: OSI Approved :: Frobnicate",
        ]
    )
    assert str(expression) == "MIT AND GPL-3.0-or-later"
    assert strange == ["Frobnicate"]


def test_no_classifier_says_nothing() -> None:
    assert from_classifiers(["Topic :: Utilities"]) == (None, [])
