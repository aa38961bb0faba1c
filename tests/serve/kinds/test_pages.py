"""The live page of every kind: in its own words, with one verdict, and nothing that only a program reads."""

import json
import random
import re

import pytest

import headwater as hw
from headwater.kinds import KINDS
from serve.test_page import SIZES, Server, browser, new_page, violations  # noqa: F401  the fixture is for pytest
from serve.test_page import pytestmark as driven

ODD = "<b>bold</b> & שלום עולם"
LONG = "column of a very long name " * 9  # 243 letters, of 256 that the server takes


def rows_of(n):
    draw = random.Random(1)
    return [{"a": draw.gauss(0, 1), ODD: "xyz"[i % 3], LONG: draw.random()} for i in range(n)]


def lesson(task, n):
    """Rows and labels for a task, of which there is something to learn."""
    rows, draw = rows_of(n), random.Random(2)
    if task.endswith("classify"):
        return rows, [f"late {ODD}" if row["a"] + draw.gauss(0, 0.5) > 0.3 else "in time" for row in rows]
    if task.endswith("regress"):
        return rows, [1000 * row["a"] + 31_000 + 500 * draw.gauss(0, 1) for row in rows]
    if task == "forecast":
        return [{} for _ in rows], [20 + 8 * ((i % 24) / 24) + 2 * draw.gauss(0, 1) for i in range(n)]
    if task == "anomaly":
        for i in range(700, n, 700):
            rows[i]["a"] = 50.0 + i
        return rows, None
    if task == "decide":
        actions = ["left", "right", ODD]
        taken = [draw.choice(actions) for _ in rows]
        rewards = [float((row["a"] > 0) == (action == "left")) for row, action in zip(rows, taken, strict=True)]
        return rows, [[action, reward, 1 / 3, actions] for action, reward in zip(taken, rewards, strict=True)]
    if task == "control":
        return transitions(n)
    if task == "route":
        taken = [draw.choice(["small", ODD]) for _ in rows]
        good = [float(row["a"] > 0 or model == ODD) for row, model in zip(rows, taken, strict=True)]
        return rows, [[model, quality, 0.5] for model, quality in zip(taken, good, strict=True)]
    assert task == "multioutput"
    return rows, [{"late": row["a"] > 0, "minutes": 12.0 * draw.gauss(0, 1), ODD: "uv"[row["a"] > 1]} for row in rows]


def transitions(n):
    """Return states and transitions of a walk along ten rooms, of which the last pays."""
    draw, room, rows, labels = random.Random(3), 0, [], []
    for i in range(n):
        step = draw.choice([-1, 1, 1, 1] if i > n // 3 else [-1, 1])
        after = min(max(room + step, 0), 9)
        rows.append({"room": f"r{room}", "to go": 9 - room})
        done = after == 9
        labels.append(
            {
                "action": "right" if step > 0 else "left",
                "reward": 1.0 if done else -0.02,
                "next": {"room": f"r{after}", "to go": 9 - after},
                "terminated": done,
            }
        )
        room = 0 if done else after
    return rows, labels


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("kinds"))
    for kind in KINDS:
        teach(server, kind, 1500)
    yield server
    server.close()


def teach(server, kind, n):
    model = {"name": kind.name, "task": kind.task} | ({"actions": ["left", "right"]} if kind.task == "control" else {})
    assert server.post("/models", json.dumps(model)) == 201
    rows, labels = lesson(kind.task, n)
    for i in range(0, n, 500):
        body = {"rows": rows[i : i + 500]} | ({} if labels is None else {"labels": labels[i : i + 500]})
        assert server.post(f"/models/{kind.name}/teach", json.dumps(body)) == 200


def shows(page, server, kind):
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.wait_for_function("document.querySelector('#model').options.length > 7")
    page.select_option("#model", kind.name)
    page.wait_for_function(f"document.querySelector('#about').textContent.includes('{kind.name}')")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.wait_for_selector("#recent tr >> nth=3")
    page.wait_for_selector("#score .main-svg")


SQUEEZED = """() => [...document.querySelectorAll("main *")].filter((node) => node.clientWidth && node.offsetParent && !node.closest(".chart")
    && [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim().length > 3) && node.clientWidth < 30
    && getComputedStyle(node).display !== "inline").map((node) => node.outerHTML.slice(0, 120)).concat(
    [...document.querySelectorAll("main bdi")].filter((node) => node.textContent.length <= 12 && node.getClientRects().length > 1)
    .map((node) => node.parentElement.outerHTML.slice(0, 120)))"""


@driven
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_each_kind_is_shown_in_its_own_words_without_a_brace_a_program_number_or_a_fault(browser, server, kind, size):  # noqa: F811
    page = new_page(browser, size)
    shows(page, server, kind)
    for language in ("en", "zh"):
        words = kind.views.words[language]
        assert page.inner_text("#about") == words["about"].replace("{name}", kind.name)
        assert page.inner_text("#score-title") == words["curve"]
        text = page.inner_text("main")
        assert "{" not in text
        assert not re.search(r"\d[eE][+-]?\d|undefined|NaN|\[object", text)
        span = r"(Last|All) [\d,]+ \w+: .*\." if language == "en" else r"(最近|全部) [\d,]+ \w+：.*。"
        assert re.fullmatch(span, page.locator("#verdict .line").first.inner_text().split(" · ")[-1])
        assert page.locator("main b b, td b, h2 b, .line b").count() == 0, "a name is no HTML"
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
        assert page.evaluate(SQUEEZED) == []
        page.click("#language")
        page.wait_for_function(f"document.documentElement.lang !== '{language}'")
        page.wait_for_timeout(50)
    for _ in ("light", "dark"):
        assert violations(page) == []
        page.click("#theme")
    assert page.problems == []
    page.context.close()


@driven
def test_a_fleet_shows_its_keys_the_worst_first_and_two_hundred_classes_are_counted(browser, tmp_path):  # noqa: F811
    with hw.open(tmp_path / "a.db", hw.Fleet(lambda: hw.Classifier(hidden=(4,), seed=1), key="site")) as store:
        for i in range(400):
            label = "x" if (i * 7) % 11 > i % 7 else "y"
            store.learn_one({"site": f"s{i % 7}", "a": (i * 7) % 11}, f"class {i % 200}" if i % 7 == 3 else label)
    server = Server(tmp_path)
    page = new_page(browser, "phone")
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.wait_for_selector("#keys td")
    keys = page.locator("#keys tr td:first-child").all_inner_texts()
    assert (len(keys), keys[0], keys[-1]) == (8, "s3", "all keys together")
    assert page.inner_text("#about").startswith("Each site has a small model of its own, 7 of them. The model")
    assert page.inner_text("#keys-text").startswith("7 keys; ranked are the 7 with at least 30 rows.")
    assert re.search(r" … \(\d+ classes\)\?$", page.inner_text("#question"))
    assert "{" not in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    assert violations(page) == []
    assert page.problems == []
    page.context.close()
    server.close()


@driven
def test_a_sample_with_names_from_right_to_left_keeps_the_order_of_its_parts(browser, server):  # noqa: F811
    assert server.post("/models", json.dumps({"name": "mixed", "task": "classify"})) == 201
    rows = [{"عمود طويل": i, "<b>x</b>": i % 2} for i in range(20)]
    assert server.post("/models/mixed/teach", json.dumps({"rows": rows, "labels": ["a", "b"] * 10})) == 200
    page = new_page(browser, "desktop")
    page.goto(f"http://127.0.0.1:{server.port}/")
    page.wait_for_function("[...document.querySelector('#model').options].some((one) => one.value === 'mixed')")
    page.select_option("#model", "mixed")
    page.wait_for_function(
        "document.querySelectorAll('#recent tr').length > 5 && document.querySelector('#recent').textContent.includes('<b>x</b>')"
    )
    parts = page.eval_on_selector_all(
        "#recent tr:nth-child(2) td:last-child bdi",
        "(all) => all.map((it) => [it.textContent, it.getBoundingClientRect().left])",
    )
    assert [text for text, _ in parts] == ["عمود طويل 19", "<b>x</b> 1"]
    assert parts[0][1] < parts[1][1]
