"""Search for Chinese: a run of characters is found by the pairs of neighbours in it, so no dictionary has to cut words."""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.zh import SearchChinese

RUN = re.compile(r"[\u3400-\u9fff]+|[a-zA-Z0-9_]+")


class Pairs(SearchChinese):
    """Cut 梯度下降 into 梯度, 度下, 下降, in the index and in what is asked."""

    # Sphinx names the stemmer in the page after the language; the one that comes along is the English one, for Latin words.
    language_name = "English"
    js_splitter_code = """
function splitQuery(query) {
  // a question's own words are on no page
  const asked = query.replace(/为什么|怎么样|什么是|怎么|怎样|如何|什么|哪里|哪个|请问|可以|吗|呢/g, " ");
  return ((/[\\u3400-\\u9fff\\w]/.test(asked) ? asked : query).match(/[\\u3400-\\u9fff]+|[a-zA-Z0-9_]+/g) || []).flatMap((run) =>
    run.charCodeAt(0) < 0x3400 || run.length < 3 ? [run] : [...run].slice(1).map((c, i) => run[i] + c));
}
"""

    def split(self, input: str) -> list[str]:  # noqa: A002 - the base's name
        words = []
        for run in RUN.findall(input):
            if run.isascii():
                self.latin_terms.add(run)
                words.append(run)
            else:
                words += [run[i : i + 2] for i in range(max(1, len(run) - 1))]
        return words


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx's own way."""
    from sphinx.search import languages

    languages["zh"] = Pairs
    return {"parallel_read_safe": True, "parallel_write_safe": True}
