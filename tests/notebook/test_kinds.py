"""What a notebook shows of every kind: its verdict in words, and nothing that only a program reads."""

import html as escaped
import re

import pytest

from headwater.diagnose import diagnose
from headwater.interop.notebook.representation import html
from headwater.kinds import KINDS
from headwater.route.session import Session
from learner.test_kinds import ROWS, answers


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_no_view_of_a_kind_falls_back_to_braces_or_numbers_of_programs(kind):
    learner, shown = kind.make({"seed": 1}), []
    if "routes" in kind.can:  # it learns in no session
        learner.step_many(ROWS, answers(kind, ROWS))
    else:
        session = Session(learner, window=20)
        session.step(ROWS, answers(kind, ROWS))
        record = session.record()
        assert re.search(r"(Last|All) \d+ \w+: ", record.verdict) or not record.scored
        shown = [record]
    for value in (learner, *shown, diagnose(learner)):
        text = escaped.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html(value), flags=re.DOTALL))
        text = re.sub(r"\w+\([^()]*\)", "", text)  # settings are as one writes them in code
        assert "{" not in text
        assert not re.search(r"\d[eE][+-]?\d|\bnan\b", text)
