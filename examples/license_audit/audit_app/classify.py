"""From what a distribution declares and ships to one verdict.

Sources are believed in this order: the `License-Expression` of PEP 639, the `License` field, trove classifiers, the
text of license files. A lower source may make a vague name precise ("BSD" becomes "BSD-3-Clause"), and may make the
verdict graver, never lighter: where two declarations disagree, the graver one counts and a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from audit_app.category import Category, gravest
from audit_app.fingerprint import licenses_in
from audit_app.spdx import Compound, Expression, License, SpdxError, is_known, join, parse
from audit_app.wording import from_classifiers, from_field

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the metadata of a distribution says. `texts` are its own license files, `bundled` those of code in it."""

    expression: str | None = None
    license_field: str | None = None
    classifiers: list[str] = field(default_factory=list[str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    bundled: dict[str, str] = field(default_factory=dict[str, str])
    headers: list[str] = field(default_factory=list[str])
    """Expressions after `SPDX-License-Identifier:` in its source files."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`license` is an SPDX expression or "unknown"; `source` says where it was read."""

    license: str
    category: Category
    source: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Reading:
    source: str
    expression: Expression


def classify(declared: Declared) -> Verdict:
    """The verdict on one distribution. It never raises, whatever the metadata holds."""
    notes: list[str] = []
    readings = _declarations(declared, notes)
    files = _read_files(declared)
    verdict = _weigh(readings, files, notes) if readings else _from_files(files, notes)
    notes.extend(_inside(declared, verdict.category))
    return verdict


def _declarations(declared: Declared, notes: list[str]) -> list[_Reading]:
    readings: list[_Reading] = []
    if declared.expression:
        try:
            readings.append(_Reading("License-Expression", parse(declared.expression)))
        except SpdxError as error:
            notes.append(f"License-Expression {declared.expression[:80]!r} cannot be read: {error}")
    if declared.license_field:
        named = from_field(declared.license_field)
        if named is not None:
            readings.append(_Reading("License field", named))
    classified, strange = from_classifiers(declared.classifiers)
    if classified is not None:
        readings.append(_Reading("classifier", classified))
        if isinstance(classified, Compound) and readings[0].source == "classifier":
            notes.append("several classifiers: read as if all of them hold")
    notes.extend(f"unknown classifier {name!r}" for name in strange)
    return readings


def _read_files(declared: Declared) -> list[str]:
    return sorted({identifier for text in declared.texts.values() for identifier in licenses_in(text)})


def _from_files(files: list[str], notes: list[str]) -> Verdict:
    if not files:
        notes.append("no license is declared, and no license file is recognised")
        return Verdict(UNKNOWN, Category.UNKNOWN, "nothing", notes)
    expression = join("AND", [License(identifier) for identifier in files])
    notes.append("no license is declared: read from its license files")
    return Verdict(str(expression), expression.category, "license file", notes)


def _weigh(readings: list[_Reading], files: list[str], notes: list[str]) -> Verdict:
    chosen = readings[0]
    expression = _more_precise(chosen.expression, readings[1:], files)
    strange = [license_.identifier for license_ in expression.licenses if not is_known(license_)]
    notes.extend(f"{identifier} is not in the catalogue" for identifier in strange)
    categories = [expression.category]
    if chosen.source != "License-Expression":
        # By PEP 639 an expression is the whole truth; older fields are often only half of it.
        categories += _disagreeing(chosen, readings[1:], notes)
    shipped = [identifier for identifier in files if not _covered(License(identifier), expression)]
    if shipped:
        notes.append(f"its license files also hold {', '.join(shipped)}")
    return Verdict(str(expression), gravest(categories), chosen.source, notes)


def _disagreeing(chosen: _Reading, others: list[_Reading], notes: list[str]) -> list[Category]:
    graver: list[Category] = []
    known = {license_.category for license_ in chosen.expression.licenses}
    for other in others:
        if {license_.category for license_ in other.expression.licenses} <= known:
            continue
        notes.append(f"{chosen.source} says {chosen.expression}, {other.source} says {other.expression}")
        graver.append(other.expression.category)
    return graver


_FAMILIES = {
    "LicenseRef-Apache": "Apache-",
    "LicenseRef-BSD": "BSD-",
    "LicenseRef-GPL": "GPL-",
    "LicenseRef-LGPL": "LGPL-",
    "LicenseRef-AGPL": "AGPL-",
    "LicenseRef-MPL": "MPL-",
}


def _more_precise(expression: Expression, others: list[_Reading], files: list[str]) -> Expression:
    """The expression with vague names replaced, where exactly one precise license of the family is named elsewhere."""
    if isinstance(expression, Compound):
        return join(expression.operator, [_more_precise(part, others, files) for part in expression.parts])
    family = _FAMILIES.get(expression.identifier)
    if family is None:
        return expression
    named = [license_.identifier for other in others for license_ in other.expression.licenses]
    for candidates in (named, files):
        precise = {identifier for identifier in candidates if identifier.startswith(family)}
        if len(precise) == 1:
            return License(precise.pop(), expression.exception)
    return expression


def _covered(license_: License, expression: Expression) -> bool:
    """Whether a license found in a file is one that the verdict names, or of no other consequence."""
    if license_.category is Category.PERMISSIVE:
        return True
    stem = license_.identifier.removesuffix("-only").removesuffix("-or-later")
    for named in expression.licenses:
        same = named.identifier.removesuffix("-only").removesuffix("-or-later") == stem
        # The LGPL is shipped together with the GPL that it builds upon.
        supplement = named.identifier.startswith(("LGPL-", "LicenseRef-LGPL")) and stem.startswith("GPL-")
        if same or supplement or _FAMILIES.get(named.identifier, "?") in stem:
            return True
    return False


def _inside(declared: Declared, category: Category) -> list[str]:
    """Notes on code of others that the distribution carries, where it asks for more than the distribution itself."""
    notes: list[str] = []
    for name, text in sorted(declared.bundled.items()):
        graver = [i for i in licenses_in(text) if License(i).category.severity > category.severity]
        if graver:
            notes.append(f"bundles code under {', '.join(graver)} ({name})")
    for header in sorted(set(declared.headers)):
        try:
            expression = parse(header)
        except SpdxError:
            continue
        if is_known(expression) and expression.category.severity > category.severity:
            notes.append(f"some of its files say {expression}")
    return notes
