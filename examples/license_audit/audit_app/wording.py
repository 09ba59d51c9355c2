"""What people write where a license should be named: trove classifiers, and the free text of the `License` field."""

from __future__ import annotations

import re

from audit_app.category import CATEGORIES
from audit_app.fingerprint import licenses_in
from audit_app.spdx import Expression, License, SpdxError, is_known, join, parse

_CLASSIFIERS = {
    "Academic Free License (AFL)": "AFL-3.0",
    "Apache Software License": "LicenseRef-Apache",
    "Artistic License": "Artistic-1.0",
    "BSD License": "LicenseRef-BSD",
    "Blue Oak Model License (BlueOak-1.0.0)": "BlueOak-1.0.0",
    "Boost Software License 1.0 (BSL-1.0)": "BSL-1.0",
    "CEA CNRS Inria Logiciel Libre License, version 2.1 (CeCILL-2.1)": "CECILL-2.1",
    "CMU License (MIT-CMU)": "MIT-CMU",
    "Common Development and Distribution License 1.0 (CDDL-1.0)": "CDDL-1.0",
    "Eclipse Public License 1.0 (EPL-1.0)": "EPL-1.0",
    "Eclipse Public License 2.0 (EPL-2.0)": "EPL-2.0",
    "European Union Public Licence 1.1 (EUPL 1.1)": "EUPL-1.1",
    "European Union Public Licence 1.2 (EUPL 1.2)": "EUPL-1.2",
    "GNU Affero General Public License v3": "AGPL-3.0-only",
    "GNU Affero General Public License v3 or later (AGPLv3+)": "AGPL-3.0-or-later",
    "GNU General Public License (GPL)": "LicenseRef-GPL",
    "GNU General Public License v2 (GPLv2)": "GPL-2.0-only",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0-only",
    "GNU General Public License v3 or later (GPLv3+)": "GPL-3.0-or-later",
    "GNU Lesser General Public License v2 (LGPLv2)": "LGPL-2.0-only",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.0-or-later",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "GNU Library or Lesser General Public License (LGPL)": "LicenseRef-LGPL",
    "Historical Permission Notice and Disclaimer (HPND)": "HPND",
    "IBM Public License": "IPL-1.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "MIT No Attribution License (MIT-0)": "MIT-0",
    "Mozilla Public License 1.0 (MPL)": "MPL-1.0",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Mulan Permissive Software License v2 (MulanPSL-2.0)": "MulanPSL-2.0",
    "PostgreSQL License": "PostgreSQL",
    "Python License (CNRI Python License)": "CNRI-Python",
    "Python Software Foundation License": "PSF-2.0",
    "SIL Open Font License 1.1 (OFL-1.1)": "OFL-1.1",
    "Sleepycat License": "Sleepycat",
    "The Unlicense (Unlicense)": "Unlicense",
    "Universal Permissive License (UPL)": "UPL-1.0",
    "University of Illinois/NCSA Open Source License": "NCSA",
    "W3C License": "W3C",
    "X.Net License": "Xnet",
    "Zero-Clause BSD (0BSD)": "0BSD",
    "zlib/libpng License": "Zlib",
    "Zope Public License": "ZPL-2.1",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "Public Domain": "LicenseRef-Public-Domain",
    "Free For Educational Use": "LicenseRef-Proprietary",
    "Free For Home Use": "LicenseRef-Proprietary",
    "Free for non-commercial use": "LicenseRef-Proprietary",
    "Freely Distributable": "LicenseRef-Freely-Distributable",
    "Other/Proprietary License": "LicenseRef-Proprietary",
}

_ALIASES = {
    "0bsd": "0BSD",
    "2-clause bsd": "BSD-2-Clause",
    "3-clause bsd": "BSD-3-Clause",
    "afl": "AFL-3.0",
    "apache": "LicenseRef-Apache",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache software": "LicenseRef-Apache",
    "apache software 2.0": "Apache-2.0",
    "apache-2": "Apache-2.0",
    "apache2": "Apache-2.0",
    "apache2.0": "Apache-2.0",
    "artistic": "Artistic-1.0",
    "asl 2.0": "Apache-2.0",
    "boost": "BSL-1.0",
    "boost software": "BSL-1.0",
    "bsd": "LicenseRef-BSD",
    "bsd 2": "BSD-2-Clause",
    "bsd 2-clause": "BSD-2-Clause",
    "bsd 3": "BSD-3-Clause",
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause new": "BSD-3-Clause",
    "bsd style": "LicenseRef-BSD",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd-like": "LicenseRef-BSD",
    "bsd-style": "LicenseRef-BSD",
    "cc0": "CC0-1.0",
    "commercial": "LicenseRef-Proprietary",
    "epl": "EPL-2.0",
    "expat": "MIT",
    "isc": "ISC",
    "iscl": "ISC",
    "mit": "MIT",
    "mit x11": "MIT",
    "mit/x11": "MIT",
    "modified bsd": "BSD-3-Clause",
    "mozilla": "LicenseRef-MPL",
    "mozilla public": "LicenseRef-MPL",
    "mozilla public 2.0": "MPL-2.0",
    "mozilla public 2.0 mpl 2.0": "MPL-2.0",
    "mpl": "LicenseRef-MPL",
    "mpl 1.1": "MPL-1.1",
    "mpl 2": "MPL-2.0",
    "mpl 2.0": "MPL-2.0",
    "mpl-2": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "new bsd": "BSD-3-Clause",
    "proprietary": "LicenseRef-Proprietary",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "public domain": "LicenseRef-Public-Domain",
    "python software foundation": "PSF-2.0",
    "revised bsd": "BSD-3-Clause",
    "simplified bsd": "BSD-2-Clause",
    "unlicense": "Unlicense",
    "wtfpl": "WTFPL",
    "x11": "MIT",
    "zlib": "Zlib",
    "zlib/libpng": "Zlib",
    "zope public": "ZPL-2.1",
    "zope public 2.1": "ZPL-2.1",
    "zpl": "ZPL-2.1",
    "zpl 2.1": "ZPL-2.1",
}

_NOTHING = frozenset({"", "unknown", "none", "n/a", "na", "dual", "other", "license", "custom", "tbd", "todo"})

_GNU = re.compile(
    r"(?:gnu )?(?:(?P<affero>a)gpl|(?P<lesser>l)gpl|gpl|(?P<affero_long>affero )(?:general public|gpl)"
    r"|(?:lesser |library |library or lesser )(?P<lesser_long>general public)|general public)"
    r"(?: [al]?gpl)?[ -]?(?:v|version )?[ -]?(?P<version>\d(?:\.\d)?)?"
    r"(?P<later>\+| ?-?(?:or|and)[ -](?:later|newer|above|any later|any later version|higher|later version))?"
    r"(?: [al]?gpl-?v?\d?(?:\.\d)?\+?)?"
)

_SEPARATORS = (
    ("OR", r"\s+or\s+(?!later|newer|above|any|higher)|\s*\|+\s*|/"),
    ("AND", r"\s+and\s+|[,;&]"),
)

_HINTS = {
    "MIT": r"mit",
    "LicenseRef-BSD": r"bsd",
    "LicenseRef-Apache": r"apache",
    "ISC": r"isc",
    "LicenseRef-GPL": r"gpl(?:v?\d(?:\.\d)?\+?)?",
    "LicenseRef-LGPL": r"lgpl(?:v?\d(?:\.\d)?\+?)?",
    "LicenseRef-AGPL": r"agpl(?:v?\d(?:\.\d)?\+?)?",
    "LicenseRef-MPL": r"mpl",
    "LicenseRef-Proprietary": r"proprietary|commercial use|non-?commercial",
}


def from_classifiers(classifiers: list[str]) -> tuple[Expression | None, list[str]]:
    """What the `License ::` classifiers say, and those that no license is known for.

    Classifiers do not tell "both" from "either"; the careful reading is that all hold.
    """
    found: list[Expression] = []
    strange: list[str] = []
    for classifier in classifiers:
        parts = [part.strip() for part in classifier.split("::")]
        if parts[0] != "License" or parts[-1] in ("License", "OSI Approved"):
            continue
        identifier = _CLASSIFIERS.get(parts[-1])
        if identifier is None:
            strange.append(parts[-1])
        else:
            found.append(License(identifier))
    return (join("AND", found) if found else None), strange


def from_field(text: str) -> Expression | None:
    """What the free text of a `License` field says: a name, several, an SPDX expression, or a whole license."""
    text = text.strip()
    if len(text) > 200 or text.count("\n") >= 3:
        found = [License(identifier) for identifier in licenses_in(text)]
        return join("AND", list(found)) if found else None
    return _as_spdx(text) or _as_names(text) or _as_hint(text)


def _as_spdx(text: str) -> Expression | None:
    try:
        expression = parse(text)
    except SpdxError:
        return None
    return expression if is_known(expression) else None


def _as_names(text: str) -> Expression | None:
    """One name, or names with words between them. A GNU name may hold "or later", so it is tried before splitting."""
    whole = _one_name(text)
    if whole is not None:
        return whole
    for operator, separator in (
        ("OR", r"\s+or\s+(?!later|newer|above|any|higher)|\s*\|+\s*|/"),
        ("AND", r"\s+and\s+|[,;&]"),
    ):
        pieces = [piece for piece in re.split(separator, text, flags=re.IGNORECASE) if piece.strip()]
        if len(pieces) > 1:
            read = [_as_names(piece) for piece in pieces]
            if all(part is not None for part in read):
                return join(operator, [part for part in read if part is not None])
    return None


def _one_name(text: str) -> Expression | None:
    name = _normal(text)
    if name in _NOTHING:
        return None
    alias = _ALIASES.get(name)
    if alias is not None:
        return License(alias)
    spdx = _as_spdx(text.strip())
    if isinstance(spdx, License):
        return spdx
    gnu = _GNU.fullmatch(name)
    return _gnu_license(gnu) if gnu is not None else None


def _normal(text: str) -> str:
    """In lower case, without the words and signs that say nothing."""
    name = re.sub(r"[()\[\]\"'`,_:]", " ", text.lower())
    name = re.sub(r"(?<=[a-z])\.(?!\w)|\.$", " ", name)
    name = re.sub(r"\b(?:the|a|an|under|terms|of|licen[cs]ed?|licen[cs]es)\b", " ", name)
    name = re.sub(r"\b(?:version|ver|v)\.? ?(?=\d)", "", name)
    return " ".join(name.split())


def _gnu_license(match: re.Match[str]) -> License:
    affero, lesser = match["affero"] or match["affero_long"], match["lesser"] or match["lesser_long"]
    family = "AGPL" if affero else "LGPL" if lesser else "GPL"
    version = match["version"]
    if version is None:
        return License(f"LicenseRef-{family}")
    full = version if "." in version else f"{version}.0"
    identifier = f"{family}-{full}-{'or-later' if match['later'] else 'only'}"
    return License(identifier if identifier in CATEGORIES else f"LicenseRef-{family}")


def _as_hint(text: str) -> Expression | None:
    """The licenses that a sentence mentions: "All contributions are MIT licensed.", but not "GPL-compatible"."""
    lowered = re.sub(r"[al]?gpl[- ]compatible", " ", text.lower())
    if re.search(r"\bnot? (?:a |an |the )?\w*gpl", lowered):
        return None
    words = r"(?<![\w./-])(?:{})(?![\w/]|[.-]\w)"
    found = [License(i) for i, pattern in _HINTS.items() if re.search(words.format(pattern), lowered)]
    return join("AND", list(found)) if found else None
