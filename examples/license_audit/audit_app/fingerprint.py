"""Recognises the texts of common licenses by phrases that stand in no other one."""

from __future__ import annotations

import re

MAX_TEXT = 400_000

_BSD = "redistribution and use in source and binary forms"
_NO_ENDORSEMENT = ("neither the name", "may not be used to endorse", "nor the names of")
_ISC = re.compile(r"permission to use, copy, modify,? (?:and or|and) distribute this software")
_MIT = "permission is hereby granted, free of charge, to any person obtaining a copy"

# Titles with their dates: the texts themselves name one another.
_TITLES = {
    "GPL-1.0-only": r"gnu general public license version 1, february 1989",
    "GPL-2.0-only": r"gnu general public license version 2, june 1991",
    "GPL-3.0-only": r"gnu general public license version 3, 29 june 2007",
    "LGPL-2.0-only": r"gnu library general public license version 2, june 1991",
    "LGPL-2.1-only": r"gnu lesser general public license version 2\.1, february 1999",
    "LGPL-3.0-only": r"gnu lesser general public license version 3, 29 june 2007",
    "AGPL-3.0-only": r"gnu affero general public license version 3, 19 november 2007",
    "Apache-2.0": r"apache license,? version 2\.0,? january 2004",
    "MPL-1.1": r"mozilla public license version 1\.1",
    "MPL-2.0": r"mozilla public license,? version 2\.0 =*\s*1\. definitions",
    "EPL-1.0": r"eclipse public license -? ?v 1\.0",
    "EPL-2.0": r"eclipse public license -? ?v 2\.0",
    "CDDL-1.0": r"common development and distribution license \(cddl\) version 1\.0",
    "EUPL-1.2": r"european union public licence v\. ?1\.2",
    "PSF-2.0": r"python software foundation license version 2",
    "Python-2.0": r"beopen\.com license agreement for python 2\.0",
    "BSL-1.0": r"boost software license - version 1\.0",
    "CC0-1.0": r"cc0 1\.0 universal",
    "CC-BY-4.0": r"creative commons attribution 4\.0 international",
    "CC-BY-SA-4.0": r"creative commons attribution-sharealike 4\.0 international",
    "CC-BY-NC-4.0": r"creative commons attribution-noncommercial 4\.0 international",
    "Unlicense": r"this is free and unencumbered software released into the public domain",
    "WTFPL": r"do what the fuck you want to public license",
    "OFL-1.1": r"sil open font license version 1\.1 - 26 february 2007",
    "ZPL-2.1": r"zope public license \(zpl\) version 2\.1",
    "SSPL-1.0": r"server side public license version 1, october 16, 2018",
    "BUSL-1.1": r"business source license 1\.1",
    "Elastic-2.0": r"elastic license 2\.0",
    "LicenseRef-Commons-Clause": r"commons clause\W+license condition",
}

# Notices, which refer to a license that stands elsewhere.
_NOTICES = {
    "Apache-2.0": r"licensed under the apache license, version 2\.0",
    "MPL-2.0": r"subject to the terms of the mozilla public license, v\. 2\.0",
    "LicenseRef-Proprietary": r"\b(?:proprietary and confidential|all rights reserved\W+(?:this|the) (?:software|code) "
    r"is (?:the )?(?:proprietary|confidential))",
}
_GNU_NOTICE = re.compile(
    r"terms of (?:version (?P<before>\d(?:\.\d)?) of )?the gnu (?P<kind>lesser|library|affero)? ?general public "
    r"licen[cs]e(?: version (?P<number>\d(?:\.\d)?)| as published by the free software foundation[,;:]? "
    r"(?:either )?version (?P<version>\d(?:\.\d)?))?(?P<later>[^.]{0,40}any later version)?"
)
_PARTS_OF_PYTHON = frozenset({"Python-2.0", "HPND", "0BSD"})
"""Python's license holds those of its forerunners, one after the other."""
_GNU_KIND = {None: "GPL", "lesser": "LGPL", "library": "LGPL", "affero": "AGPL"}


def licenses_in(text: str) -> list[str]:
    """The SPDX identifiers of the licenses whose text, or whose notice, this is; sorted."""
    flat = re.sub(r"[\s*#/]+", " ", text[:MAX_TEXT].lower().replace("“", '"').replace("”", '"'))
    found = {identifier for identifier, pattern in _TITLES.items() if re.search(pattern, flat)}
    if "LGPL-3.0-only" in found:
        # It is a supplement to the GPL, whose text is shipped beside it.
        found.discard("GPL-3.0-only")
    found |= {identifier for identifier, pattern in _NOTICES.items() if re.search(pattern, flat)}
    found |= _short_licenses(flat)
    if "PSF-2.0" in found:
        found -= _PARTS_OF_PYTHON
    if not any(identifier.startswith(("GPL-", "LGPL-", "AGPL-")) for identifier in found):
        found |= _gnu_notices(flat)
    return sorted(found)


def _short_licenses(flat: str) -> set[str]:
    found: set[str] = set()
    if _MIT in flat:
        found.add("MIT" if "shall be included in all" in flat or "above copyright notice" in flat else "MIT-0")
    if _BSD in flat:
        found.add(_bsd(flat))
    if _ISC.search(flat):
        found.add("ISC" if "provided that the above copyright notice" in flat else "0BSD")
    if "provided 'as-is', without any express or implied warranty" in flat and "must not be misrepresented" in flat:
        found.add("Zlib")
    if "permission to use, copy, modify, and distribute this software and its documentation" in flat:
        found = (found - {"ISC", "0BSD"}) | {"HPND"}
    return found


def _bsd(flat: str) -> str:
    if "all advertising materials mentioning features" in flat:
        return "BSD-4-Clause"
    return "BSD-3-Clause" if any(phrase in flat for phrase in _NO_ENDORSEMENT) else "BSD-2-Clause"


def _gnu_notices(flat: str) -> set[str]:
    found: set[str] = set()
    for match in _GNU_NOTICE.finditer(flat):
        family = _GNU_KIND[match["kind"]]
        version = match["before"] or match["number"] or match["version"]
        if version is None:
            found.add(f"LicenseRef-{family}")
            continue
        full = version if "." in version else f"{version}.0"
        found.add(f"{family}-{full}-{'or-later' if match['later'] else 'only'}")
    return found
