"""What the server refuses has a code that stays, and the page tells it in the reader's language."""

import re
from pathlib import Path

import headwater
from headwater.serve import play_csv
from headwater.serve.codes import CODES
from headwater.store.models import FARTHEST_STEP
from serve.test_page import Server, browser, opened, server  # noqa: F401  fixtures are for pytest
from serve.test_page import pytestmark as driven

SOURCE = Path(headwater.__file__).parent
PAGE = (SOURCE / "serve" / "page" / "refusals.js").read_text(encoding="utf-8")
CHINESE = dict(re.findall(r'\b(\w+): "([^"]*)"', PAGE[PAGE.index("zh: {") : PAGE.index("const NAMES")]))


def test_every_code_that_is_given_out_is_in_the_list_and_has_a_chinese_sentence():
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "codes.py"]
    given = {code for text in texts for code in re.findall(r'\bcode ?= ?"(\w+)"', text)}
    given |= {code for text in texts for code in re.findall(r'"code": "(\w+)"', text)} | {"missing", "method"}
    assert given == CODES.keys() == CHINESE.keys()
    assert [code for code, said in CHINESE.items() if not re.search("[\u4e00-\u9fff]", said)] == []


def test_the_limits_in_the_chinese_sentences_are_those_of_the_code():
    assert f"{play_csv._ROWS} 行" in CHINESE["csv_rows"]
    assert f"{play_csv._COLUMNS} 列" in CHINESE["csv_header"]
    assert f"{play_csv._CLASSES} 个类别" in CHINESE["csv_classes"]
    assert f"{FARTHEST_STEP:g}" in CHINESE["step_range"]


def in_chinese(browser, server):  # noqa: F811  fixtures' values
    page = opened(browser, server, "desktop")
    page.evaluate("localStorage.setItem('language', 'zh')")
    page.reload()
    return page


def says(page, place, words):
    page.wait_for_function(f"document.querySelector('{place}').textContent.includes('{words}')")
    assert not re.search("expected|got ", page.inner_text(place))


def refused(page, method, path, body="null"):
    return page.evaluate(
        f"import('/page/ask.js').then(({{ask}}) => ask('{method}', '{path}', {body})).then(() => '', (error) => error.message)"
    )


@driven
def test_a_refused_login_is_told_in_chinese(browser, tmp_path):  # noqa: F811
    server = Server(tmp_path, tokens="admin " + "t" * 20 + "\nread " + "r" * 20)  # noqa: F811
    page = in_chinese(browser, server)
    page.wait_for_selector("#login:visible")
    page.fill("#token", "wrong")
    page.click("#login button")
    says(page, "#login-problem", "令牌无效")
    page.fill("#token", "r" * 20)
    page.click("#login button")
    page.wait_for_selector("#empty:visible")
    page.click("#pause")
    says(page, "#said", "权限不够")
    page.click("#language")
    page.click("#pause")
    page.wait_for_function("document.querySelector('#said').textContent.startsWith('expected a token of scope admin')")
    page.context.close()
    server.close()


@driven
def test_what_the_controls_are_refused_is_told_in_chinese(browser, server):  # noqa: F811
    page = in_chinese(browser, server)
    page.wait_for_selector("#empty:visible")
    page.click("#stepping button")
    says(page, "#said", "“champion”尚未学习任何样本")
    server.learn(30)
    page.wait_for_function("document.querySelector('#numbers b').textContent === '30'")
    page.eval_on_selector("#factor", "(field) => { field.removeAttribute('max'); field.value = 5000; }")
    page.click("#stepping button")
    says(page, "#said", "“步长 ×”的值超出范围")
    page.fill("#challenger", "champion")
    page.click("#challenge button")
    says(page, "#said", "名称已被使用")
    page.fill("#challenger", "wide")
    page.click("#challenge button")
    page.wait_for_selector("#learners button")
    server.post("/models/default/challengers/wide/promote", b"")
    page.wait_for_function("document.querySelector('#learners tr:nth-child(2)').textContent.startsWith('wide')")
    assert "“wide”是冠军" in refused(page, "DELETE", "/models/default/challengers/wide")
    assert refused(page, "POST", "/models/default/challengers/gone/promote") == "没有这个名称的学习器，可能已被移除。"
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === '继续学习'")
    assert server.post("/learn", b'{"x": {"a": 1}, "y": "no"}') == 503
    says(page, "#refused", "模型“default”已暂停学习")
    page.context.close()


@driven
def test_what_the_playground_refuses_is_told_in_chinese(browser, server):  # noqa: F811
    page = in_chinese(browser, server)
    page.click(".tabs a >> nth=1")
    page.wait_for_selector("#play-net .unit")
    for name, text, words in [
        ("short.csv", "one,two\n1,2\n", "CSV 需要 3 至 1000 列"),
        ("words.csv", "a,b,c\n" + "x,y,z\n" * 5, "需要两列不同的数字"),
        ("one.csv", "a,b,c\n" + "1,2,z\n3,4,z\n" * 5, "2 至 6 个类别"),
        ("empty.csv", "\n", "文件为空"),
        ("large.csv", "x" * 1_000_001, "文件超过 1 MB"),
    ]:
        page.set_input_files("#play-csv", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
        says(page, "#play-said", words)
    assert refused(page, "POST", "/play", "{hidden: [99]}") == "“hidden”的值超出范围或类型不对。".replace(
        "hidden", "隐藏单元（空：默认）"
    )
    assert refused(page, "POST", "/play/gone/step") == "服务器已忘记这个网络；请重新开始。"
    assert refused(page, "POST", "/play", "{csv: 'x'.repeat(9e6)}") == "内容太大，超过服务器的上限；请分批发送。"
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('Failed to fetch')); }")
    page.click("#play-step")
    says(page, "#play-said", "无法连接服务器")
    page.context.close()
