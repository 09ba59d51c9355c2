"""What a license asks of whoever distributes the code, and the licenses that this audit knows."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Category(StrEnum):
    """In rising order of what needs a look. Unknown stands between: it may be anything."""

    PERMISSIVE = "permissive"
    WEAK_COPYLEFT = "weak copyleft"
    UNKNOWN = "unknown"
    STRONG_COPYLEFT = "strong copyleft"
    RESTRICTED = "restricted"

    @property
    def severity(self) -> int:
        """Its place in that order."""
        return _ORDER.index(self)


_ORDER = tuple(Category)


def gravest(categories: list[Category]) -> Category:
    """The one that needs a look most; unknown if there are none."""
    return max(categories, key=lambda category: category.severity, default=Category.UNKNOWN)


_PERMISSIVE = """
0BSD AFL-2.1 AFL-3.0 Apache-1.1 Apache-2.0 Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause BSD-2-Clause
BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause BSL-1.0 bzip2-1.0.6 CC-BY-3.0
CC-BY-4.0 CC0-1.0 CNRI-Python curl ECL-2.0 EFL-2.0 FTL HPND ICU IJG Info-ZIP ISC JSON Libpng libtiff MIT MIT-0
MIT-CMU MIT-Modern-Variant MS-PL MulanPSL-2.0 NCSA NTP OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PostgreSQL PSF-2.0
Python-2.0 Python-2.0.1 Ruby SGI-B-2.0 TCL Unicode-3.0 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C WTFPL X11
Xnet Zlib zlib-acknowledgement ZPL-1.1 ZPL-2.0 ZPL-2.1
LicenseRef-Apache LicenseRef-BSD LicenseRef-Public-Domain
"""

_WEAK_COPYLEFT = """
APSL-2.0 Artistic-1.0 Artistic-1.0-Perl CC-BY-SA-3.0 CC-BY-SA-4.0 CDDL-1.0 CDDL-1.1 CPL-1.0 EPL-1.0 EPL-2.0
EUPL-1.1 EUPL-1.2 IPL-1.0 LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only
LGPL-3.0-or-later LPPL-1.3c MPL-1.0 MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception MS-RL OSL-1.0 QPL-1.0 SISSL
SPL-1.0
LicenseRef-LGPL LicenseRef-MPL
"""

_STRONG_COPYLEFT = """
AGPL-1.0-only AGPL-1.0-or-later AGPL-3.0-only AGPL-3.0-or-later CECILL-2.0 CECILL-2.1 GPL-1.0-only
GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later OSL-3.0 RPL-1.5 Sleepycat Watcom-1.0
LicenseRef-AGPL LicenseRef-GPL
"""

_RESTRICTED = """
BUSL-1.1 CC-BY-NC-4.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 Elastic-2.0 PolyForm-Noncommercial-1.0.0
PolyForm-Small-Business-1.0.0 SSPL-1.0
LicenseRef-Commons-Clause LicenseRef-Proprietary
"""

# Old names of SPDX, in which the version alone said nothing of later ones.
_DEPRECATED = """
GPL-1.0 GPL-2.0 GPL-3.0 LGPL-2.0 LGPL-2.1 LGPL-3.0 AGPL-1.0 AGPL-3.0
"""

CATEGORIES: Mapping[str, Category] = MappingProxyType(
    {
        **dict.fromkeys(_PERMISSIVE.split(), Category.PERMISSIVE),
        **dict.fromkeys(_WEAK_COPYLEFT.split(), Category.WEAK_COPYLEFT),
        **dict.fromkeys(_STRONG_COPYLEFT.split(), Category.STRONG_COPYLEFT),
        **dict.fromkeys(_RESTRICTED.split(), Category.RESTRICTED),
    }
)
"""By SPDX identifier. A `LicenseRef-…` is a family whose version nobody stated."""

_BY_LOWER_CASE = {
    **{identifier.lower(): identifier for identifier in CATEGORIES},
    **{f"{old}+".lower(): f"{old}-or-later" for old in _DEPRECATED.split()},
    **{old.lower(): f"{old}-only" for old in _DEPRECATED.split()},
}


def canonical(identifier: str) -> str | None:
    """The identifier as SPDX writes it today, whatever its case; None if this audit does not know it."""
    lowered = identifier.lower()
    known = _BY_LOWER_CASE.get(lowered)
    # "Apache-2.0+" means "or any later version", and changes nothing for what is flagged.
    return known or _BY_LOWER_CASE.get(lowered.removesuffix("+"))
