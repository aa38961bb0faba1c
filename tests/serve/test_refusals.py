"""What the server refuses has a code that stays, and the page tells it in the reader's language."""

import re
from pathlib import Path

import headwater
from headwater.serve.http.codes import CODES
from headwater.store.service.models import FARTHEST_STEP
from serve.test_page import Server, browser, opened, opens, server  # noqa: F401  fixtures are for pytest
from serve.test_page import pytestmark as driven

SOURCE = Path(headwater.__file__).parent
PAGE = (SOURCE / "serve" / "web" / "shared" / "refusals.js").read_text(encoding="utf-8")
CHINESE = dict(re.findall(r'\b(\w+): "([^"]*)"', PAGE[PAGE.index("zh: {") : PAGE.index("const NAMES")]))


def test_every_code_that_is_given_out_is_in_the_list_and_has_a_chinese_sentence():
    texts = [path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py") if path.name != "codes.py"]
    given = {code for text in texts for code in re.findall(r'\bcode ?= ?"(\w+)"', text)}
    given |= {code for text in texts for code in re.findall(r'"code": "(\w+)"', text)} | {"not_found", "method"}
    assert given == CODES.keys() == CHINESE.keys()
    assert [code for code, said in CHINESE.items() if not re.search("[\u4e00-\u9fff]", said)] == []


def test_the_limits_in_the_chinese_sentences_are_those_of_the_code():
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
        f"import('/page/shared/request.js').then(({{request}}) => request('{method}', '{path}', {body})).then(() => '', (error) => error.message)"
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
    opens(page, "manage")
    page.click("#pause")
    says(page, "#status", "权限不够")
    page.click("#language")
    page.click("#pause")
    page.wait_for_function(
        "document.querySelector('#status').textContent.startsWith('expected a token of scope admin')"
    )
    page.context.close()
    server.close()


@driven
def test_what_the_controls_are_refused_is_told_in_chinese(browser, server):  # noqa: F811
    page = in_chinese(browser, server)
    page.wait_for_selector("#empty:visible")
    opens(page, "manage", "server")
    page.click("#stepping button")
    says(page, "#status", "“champion”尚未学习任何样本")
    server.learn(30)
    page.wait_for_function("document.querySelector('#card-learned b').textContent === '30'")
    page.eval_on_selector("#factor", "(field) => { field.removeAttribute('max'); field.value = 5000; }")
    page.click("#stepping button")
    says(page, "#status", "“学习率 ×”的值超出范围")
    page.fill("#challenger", "champion")
    page.click("#challenge button")
    says(page, "#status", "名称已被使用")
    page.fill("#challenger", "wide")
    page.click("#challenge button")
    page.wait_for_selector("#learners button")
    server.post("/models/default/challengers/wide/promote", b"")
    page.wait_for_function("document.querySelector('#learners tr:nth-child(2)').textContent.startsWith('wide')")
    assert "“wide”是冠军" in refused(page, "DELETE", "/models/default/challengers/wide")
    assert refused(page, "POST", "/models/default/challengers/gone/promote") == "没有这个名称的学习器，可能已被移除。"
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === '恢复学习'")
    assert server.post("/learn", b'{"x": {"a": 1}, "y": "no"}') == 503
    says(page, "#refused", "模型“default”已暂停学习")
    page.context.close()


@driven
def test_what_a_page_sends_that_cannot_be_is_told_in_chinese(browser, server):  # noqa: F811
    page = in_chinese(browser, server)
    page.wait_for_selector("#empty:visible")
    page.evaluate("import('/page/live/main.js')")
    assert refused(page, "POST", "/models/default/step", "{factor: 'x'}") == "“学习率 ×”的值超出范围或类型不对。"
    assert refused(page, "POST", "/learn", "{csv: 'x'.repeat(9e6)}") == "内容太大，超过服务器的上限；请分批发送。"
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('Failed to fetch')); }")
    assert "无法连接服务器" in refused(page, "GET", "/models")
    page.context.close()
