"""What documents say of the kills over brokers is what the result file holds."""

from __future__ import annotations

import pytest
from benchmarks.serve import kills


@pytest.mark.parametrize("page", kills.PAGES)
def test_a_document_quotes_all_rounds_of_kills(page):
    said = (kills.report.ROOT / page).read_text()
    assert kills.texts(kills.read(kills.RESULTS))[kills.PAGES[page]] in said
