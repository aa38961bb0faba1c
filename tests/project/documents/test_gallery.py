"""The gallery shows the page of every kind of learner, in both languages, on light and on dark pages, in small files."""

from __future__ import annotations

import pytest
from tools.build.core import ROOT
from tools.docs import worlds

from headwater.kinds import KINDS

SHOWN = {
    "classify": "live",
    "regress": "kind-regressor",
    "multioutput": "kind-outputs",
    "forecast": "kind-forecaster",
    "anomaly": "kind-detector",
    "decide": "kind-bandit",
    "control": "kind-agent",
    "route": "kind-router",
}
"""Picture of the page of each kind. Private learners have the pages of the others."""
MOST = 36_000
"""Bytes of a picture that is one of many."""
NAMES = [f"kind-{name}" for name in (*worlds.WORLDS, *worlds.STORED)]


def test_every_kind_of_learner_has_a_picture_of_its_page():
    assert {kind.task for kind in KINDS if not kind.task.startswith("private")} == set(SHOWN)
    assert {*NAMES, "live"} == {*SHOWN.values(), "kind-fleet"}


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_in_the_gallery_of_each_language_for_light_and_dark_pages_and_small(name):
    for page, own in (("gallery.md", name), ("zh/gallery.md", f"{name}-zh")):
        assert f"pictures/{own}.webp" in (ROOT / "docs" / page).read_text(encoding="utf-8")
        for form in ("", ".dark"):
            assert (ROOT / "docs" / "pictures" / f"{own}{form}.webp").stat().st_size < MOST
