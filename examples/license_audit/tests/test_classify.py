from __future__ import annotations

import license_texts as texts
import pytest

from audit_app.category import Category
from audit_app.classify import Declared, classify

MIT, BSD, APACHE, GPL3 = (
    "License :: OSI Approved :: MIT License",
    "License :: OSI Approved :: BSD License",
    "License :: OSI Approved :: Apache Software License",
    "License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
)
P, W, U, S, R = Category


@pytest.mark.parametrize(
    ("declared", "license_", "category", "source"),
    [
        # One source alone.
        (Declared(expression="MIT OR Apache-2.0"), "MIT OR Apache-2.0", P, "License-Expression"),
        (Declared(license_field="BSD"), "LicenseRef-BSD", P, "License field"),
        (Declared(classifiers=[MIT]), "MIT", P, "classifier"),
        (Declared(texts={"LICENSE": texts.MIT}), "MIT", P, "license file"),
        (Declared(texts={"COPYING": texts.GPL_3}), "GPL-3.0-only", S, "license file"),
        (Declared(), "unknown", U, "nothing"),
        (Declared(license_field="see LICENSE", texts={"LICENSE": "my own words"}), "unknown", U, "nothing"),
        # An expression is the whole truth; a broken one is not believed.
        (Declared(expression="MIT", classifiers=[GPL3]), "MIT", P, "License-Expression"),
        (Declared(expression="MIT License", classifiers=[BSD]), "LicenseRef-BSD", P, "classifier"),
        (Declared(expression="LicenseRef-Acme"), "LicenseRef-Acme", U, "License-Expression"),
        # A vague name becomes precise where exactly one precise one is named elsewhere.
        (Declared(license_field="BSD", texts={"LICENSE": texts.BSD_3}), "BSD-3-Clause", P, "License field"),
        (Declared(classifiers=[APACHE], texts={"LICENSE": texts.APACHE}), "Apache-2.0", P, "classifier"),
        (Declared(license_field="GPL", classifiers=[GPL3]), "GPL-3.0-only", S, "License field"),
        (
            Declared(license_field="BSD", texts={"A": texts.BSD_2, "B": texts.BSD_3}),
            "LicenseRef-BSD",
            P,
            "License field",
        ),
        # Two declarations disagree: the graver one counts.
        (Declared(license_field="MIT", classifiers=[GPL3]), "MIT", S, "License field"),
        (
            Declared(license_field="MIT OR GPL-3.0-only", classifiers=[MIT, GPL3]),
            "MIT OR GPL-3.0-only",
            P,
            "License field",
        ),
        (Declared(license_field="Proprietary", classifiers=[MIT]), "LicenseRef-Proprietary", R, "License field"),
        # Files of a declared distribution make notes, and no graver verdict.
        (Declared(classifiers=[MIT], texts={"LICENSE": texts.MIT + texts.GPL_3}), "MIT", P, "classifier"),
        # Several classifiers hold together.
        (Declared(classifiers=[MIT, GPL3]), "MIT AND GPL-3.0-only", S, "classifier"),
    ],
)
def test_the_verdict(declared: Declared, license_: str, category: Category, source: str) -> None:
    verdict = classify(declared)
    assert (verdict.license, verdict.category, verdict.source) == (license_, category, source)


@pytest.mark.parametrize(
    ("declared", "note"),
    [
        (Declared(), "no license is declared, and no license file is recognised"),
        (Declared(texts={"LICENSE": texts.MIT}), "no license is declared: read from its license files"),
        (Declared(expression="MIT License"), "'License' is one word too many"),
        (Declared(expression="Frobnicate-1.0"), "Frobnicate-1.0 is not in the catalogue"),
        (Declared(classifiers=["License :: Frobnicate"]), "unknown classifier 'Frobnicate'"),
        (Declared(classifiers=[MIT, BSD]), "several classifiers: read as if all of them hold"),
        (
            Declared(license_field="MIT", classifiers=[GPL3]),
            "License field says MIT, classifier says GPL-3.0-only",
        ),
        (Declared(classifiers=[MIT], texts={"X": texts.GPL_3}), "its license files also hold GPL-3.0-only"),
        (
            Declared(expression="MIT", bundled={"vendor/LICENSE": texts.MPL_2}),
            "bundles code under MPL-2.0 (vendor/LICENSE)",
        ),
        (Declared(expression="MIT", headers=["GPL-2.0-or-later"]), "some of its files say GPL-2.0-or-later"),
    ],
)
def test_what_somebody_should_know_is_noted(declared: Declared, note: str) -> None:
    assert any(note in written for written in classify(declared).notes)


@pytest.mark.parametrize(
    "declared",
    [
        Declared(expression="LGPL-3.0-or-later", texts={"COPYING": texts.GPL_3, "COPYING.LESSER": texts.LGPL_3}),
        Declared(license_field="GPL", texts={"COPYING": texts.GPL_3}),
        Declared(license_field="GPLv3+", texts={"COPYING": texts.GPL_3}),
        Declared(expression="MIT", texts={"LICENSE": texts.APACHE}),
        Declared(expression="MIT", headers=["MIT", "not an (expression", "Frobnicate-1.0"]),
    ],
)
def test_what_is_as_it_should_be_is_not_noted(declared: Declared) -> None:
    assert classify(declared).notes == []


@pytest.mark.parametrize(
    "text", ["(" * 5000, "OR " * 5000, "\x00", "MIT\n" * 5000, "GPL" * 5000, "v" * 50_000, "or later " * 2000]
)
def test_hostile_metadata_is_no_more_than_unknown_or_noted(text: str) -> None:
    verdict = classify(Declared(expression=text, license_field=text, classifiers=[text], texts={"LICENSE": text}))
    assert verdict.license
