"""The page of what other projects' suites say, in both languages."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path

from tools.docs.claims.words import LANGUAGES, Words
from tools.docs.suites.foreign import FAILED, PASSED, ROOT, SKIPPED, Check, Suite, versions

PAGES = {"en": ROOT / "docs" / "compatibility.md", "zh": ROOT / "docs" / "zh" / "compatibility.md"}
TEXTS = {
    language: Path(__file__).with_name(f"page.{language}.md").read_text(encoding="utf-8") for language in LANGUAGES
}
"""The page, whose places are filled with what ran."""
CHINESE = {
    "ONNX backend node vectors": "ONNX 后端测试的节点向量",
    "ONNX checker and runtimes": "ONNX 检查器与运行时",
    "PyTorch as an oracle": "以 PyTorch 为参照",
    "Clients of the Open Inference Protocol": "Open Inference Protocol 的客户端",
    "JSON schemas": "JSON schema",
    "the core": "核心",
    "Classifier and Regressor.export_onnx": "Classifier 与 Regressor 的 export_onnx",
    "workflows, forms, CITATION.cff": "工作流、表单、CITATION.cff",
    "a cluster's page": "集群的页面",
    "the playground": "游乐场",
    "live figures": "课程的实时图",
    "the site": "站点",
}
"""Names of suites and of what they ran on that are words."""
BAD = Words("What did not pass:", "没有通过的：")


def write(ran: Mapping[Suite, list[Check]]) -> None:
    """Write the page in both languages."""
    for language in LANGUAGES:
        PAGES[language].write_text(page(ran, language), encoding="utf-8")


def page(ran: Mapping[Suite, list[Check]], language: str) -> str:
    """Return the page for the suites that ran."""

    def named(text: str) -> str:
        return CHINESE.get(text, text) if language == "zh" else text

    lines = []
    for suite, checks in ran.items():
        found = ", ".join(f"{name} {version}" for name, version in versions(suite).items())
        for subject in dict.fromkeys(check.subject for check in checks):
            own = [check.status for check in checks if check.subject == subject]
            counts = f"{own.count(PASSED)} / {len(own)} | {own.count(SKIPPED)}"
            lines.append(f"| {named(suite.name)} | {found} | `{suite.call}` | {named(subject)} | {counts} |")
    bad = [check for checks in ran.values() for check in checks if check.status == FAILED]
    failed = [f"- {named(check.subject)}, `{check.name}`: {check.why}".rstrip() for check in bad]
    return TEXTS[language].format(
        version=importlib.metadata.version("headwater"),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        rows="\n".join(lines),
        bad="\n".join([BAD.of(language), "", *failed, "", ""]) if bad else "",
    )
