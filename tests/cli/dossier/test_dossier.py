"""A dossier says of a store what happened in it: each statement's number is compared with what was done."""

import hashlib
import random
import re
import sqlite3
import time
import zlib
from contextlib import closing
from datetime import UTC, datetime
from html import unescape

import pytest

import headwater as hw
from headwater.cli import main
from headwater.cli.dossier import pdf
from headwater.kinds import KINDS
from headwater.store.journal.entries import crc
from headwater.store.journal.events import pack, unpack_events
from headwater.store.learner_file import fingerprint
from learner.test_kinds import ROWS, answers, taught

EVERY = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.task)
OCTOBER, NOVEMBER = datetime(2026, 10, 20, tzinfo=UTC).timestamp(), datetime(2026, 11, 5, tzinfo=UTC).timestamp()
GONE = 101


def stream():
    """500 rows whose labels follow the numbers up to the 300th, and nothing after it."""
    draw = random.Random(1)
    rows = [{"amount": float(i * 37 % 101), "user": f"u{i % 7}"} for i in range(1, 501)]
    labels = ["late" if x["amount"] > 60 else "on time" for x in rows]
    return rows, labels[:300] + [draw.choice(labels) for _ in labels[300:]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store of two months, with a drift, a change of the step size, an export and a row forgotten."""
    folder = tmp_path_factory.mktemp("dossier")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADWATER_FORGET_KEY", str(folder / "forget.key"))
        patch.setattr(time, "time", lambda: clock)
        clock = OCTOBER
        store = hw.open(folder / "orders.db", hw.Classifier(seed=1))
        for i, (x, y) in enumerate(zip(*stream(), strict=True), 1):
            clock = OCTOBER if i <= 250 else NOVEMBER
            store.learn_one(x, y)
        store.save(folder / "model.hw")
        store.forget(rows=[GONE], reason="request 17")
        store.set_step(0.5)
        store.close()
    return folder


@pytest.fixture
def work(folder, tmp_path, monkeypatch):
    """A copy of the folder, in which commands run."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("HEADWATER_FORGET_KEY", str(tmp_path / "forget.key"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text_of(path):
    """Return a page's words, with a bar between cells."""
    body = path.read_text(encoding="utf-8").partition("<body>")[2]
    return re.sub(r"(\s*\|\s*)+", " | ", unescape(re.sub(r"<[^>]+>", " | ", body)))


def digest(path, first, last):
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute(
            "SELECT seq, n, model, t, body FROM journal WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last)
        ).fetchall()
    return hashlib.sha256(b"".join(b"%d %d %d %d " % row[:4] + row[4] for row in rows)).hexdigest()


def shares_right(first, last):
    """Return a model that never saw the forgotten row, and its share of right rows beside both baselines'."""
    model, seen, before, right = hw.Classifier(seed=1), {}, None, []
    for i, (x, y) in enumerate(zip(*stream(), strict=True), 1):
        if i != GONE:
            said = model.predict_one(x)
            if first <= i <= last and said is not None:
                right.append((said == y, before == y, max(seen, key=seen.get, default=None) == y))
            model.learn_one(x, y)
            seen[y] = seen.get(y, 0) + 1
            before = y
    return model, len(right), [f"{100 * sum(one) / len(right):.2f} %" for one in zip(*right, strict=True)]


def test_each_statement_about_a_store_is_what_was_done(work, capsys):
    assert main(["dossier", "orders.db"]) == 0
    said = "orders.db.dossier.html: the dossier of orders.db. The state at event 502 was reproduced.\n"
    assert capsys.readouterr() == (said, "")
    text, file = text_of(work / "orders.db.dossier.html"), work / "orders.db"
    model, all_rows, whole = shares_right(1, 500)
    with hw.open("orders.db") as store:
        drift = store.service.models.by_name["default"].champion.scores.history()["drift"]
        (export,) = store.exports()
    assert drift == [row for row in drift if row > 290]
    assert 1 <= len(drift) <= 6
    for statement in (
        "Dossier of orders.db | Classifier of model default of orders.db",
        "Article 12 and Recital 128 of the EU AI Act",
        "kind | classifier | settings | Classifier(seed=1); all others as in this version | version | headwater ",
        ", core 5 | rows learned | 499 | ",
        "inputs | amount, user | classes | on time, late | privacy | no promise of differential privacy",
        f"up to 200,000 rows of the input table; {model.describe()['rows']} are in use",
        "classes | new ones are appended, up to 1,000 unless set otherwise; 2 are known",
        "experts | 8 share each prediction",
        "at most 1,000 times the declared one",
        "The journal holds events 1 to 502, from 20 October 2026 to 5 November 2026 (UTC). All entries fit their checksums: 502.",
        f"SHA-256 over all entries: {digest(file, 1, 502)}",
        "Events without content (forgotten ones, and requests to forget): 2.",
        f"Drifts detected: {len(drift)} (the last 50 are kept)",
        *(f"scored row {row}, November 2026" for row in drift),
        "Event 502, 5 November 2026: step size set to 0.5 times the declared one.",
        "number | rows | events | day | reason | 1 | 1 | 101 | 5 November 2026 | request 17",
        f"model file | 500 | 5 November 2026 | {export.place} | {export.sha[:16]} | outdated by forgetting 1: recall it",
        "The state at event 502 was reproduced from the snapshot at event 0 and the journal, bit for bit.",
        "Kept states learned again to the same bits: 2 of 2.",
    ):
        assert statement in text
    for name, first, last, end in (("October", 1, 250, 250), ("November", 251, 500, 502)):
        _, rows, shares = shares_right(first, last)
        cells = [f"{name} 2026", f"{first} to {end}", digest(file, first, end)[:16], str(rows), *shares]
        assert " | ".join(cells) in text
    assert f"all | {all_rows} | {' | '.join(whole)}" in text


def test_the_shown_state_is_that_of_the_stores_model(work):
    main(["dossier", "orders.db"])
    assert f"state | SHA-256 {fingerprint(hw.load('orders.db'))}" in text_of(work / "orders.db.dossier.html")


def test_a_successor_that_took_over_is_named(tmp_path):
    draw = random.Random(1)
    rows = [{"hour": draw.gauss(0, 1), "load": draw.gauss(0, 1)} for _ in range(5_000)]
    model = hw.Classifier(seed=1)
    model.learn_many(rows, [(x["hour"] > 0) == (i < 3_000) for i, x in enumerate(rows)])
    (change,) = model.successions_
    model.save(tmp_path / "m.hw")
    with hw.open(tmp_path / "s.db", model) as store:
        store.learn_many(rows[:2], [False, True])
    for name in ("m.hw", "s.db"):
        main(["dossier", str(tmp_path / name)])
        assert "takes its place where it predicts better (so far: 1)" in text_of(tmp_path / f"{name}.dossier.html")
    said = f"A successor that learned the rows from {change.row + 1:,} on took the place of the model at row {change.taken:,}."
    assert said in text_of(tmp_path / "s.db.dossier.html")


def test_a_dossier_changes_no_byte_of_the_store(work):
    before = (work / "orders.db").read_bytes()
    assert main(["dossier", "orders.db"]) == 0
    assert (work / "orders.db").read_bytes() == before


def changed(path, seq, change):
    with sqlite3.connect(path) as base:
        n, model, t, body = base.execute("SELECT n, model, t, body FROM journal WHERE seq = ?", (seq,)).fetchone()
        body, fits = change(body)
        row = (body, crc(seq, n, model, t, body), seq)
        base.execute("UPDATE journal SET body = ?, crc = ? WHERE seq = ?" if fits else _BODY, row if fits else row[::2])
    base.close()


_BODY = "UPDATE journal SET body = ? WHERE seq = ?"


def test_a_flipped_byte_in_the_journal_is_refused_in_a_sentence(work, capsys):
    changed("orders.db", 40, lambda body: (body[:-1] + bytes([body[-1] ^ 1]), False))
    assert main(["dossier", "orders.db"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("expected a sound journal entry 40, got one that fails its CRC — at orders.db.")
    assert not (work / "orders.db.dossier.html").exists()


def test_an_entry_rewritten_with_its_checksum_differs(work, capsys):
    def other(body):
        (event,) = unpack_events(body)
        event.y = "late" if event.y == "on time" else "on time"
        return pack([event]), True

    changed("orders.db", 40, other)
    assert main(["dossier", "orders.db"]) == 1
    assert "another state at event 501 than the kept one: it differs." in capsys.readouterr().out
    text = text_of(work / "orders.db.dossier.html")
    assert "The state at event 502 differs from what the snapshot at event 0 and the journal give." in text
    assert "Kept states learned again to the same bits: 0 of 2. | Kept states that differ: events 501, 502." in text
    kept, replayed = re.search(r"SHA-256 kept (\w{64}), reproduced (\w{64})", text).groups()
    assert kept != replayed


def test_the_same_dossier_in_chinese_has_the_same_numbers(work):
    main(["dossier", "orders.db", "--out", "en.html"])
    main(["dossier", "orders.db", "--out", "zh.html", "--language", "zh"])
    english, chinese = text_of(work / "en.html"), text_of(work / "zh.html")
    hashes = re.compile(r"\b[0-9a-f]{16,64}\b|[\d.]+ %")
    assert hashes.findall(chinese) == hashes.findall(english)
    assert "声明 | 类型 | Classifier" in chinese
    assert "逐位相同" in chinese
    assert '<html lang="zh-CN">' in (work / "zh.html").read_text(encoding="utf-8")


def test_a_page_needs_no_network_and_knows_dark_screens_and_paper(work):
    main(["dossier", "orders.db"])
    page = (work / "orders.db.dossier.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|<script|<link|src=|url\(", page)
    assert "prefers-color-scheme: dark" in page
    assert "@page { size: A4" in page


@EVERY
def test_a_model_file_of_every_kind_has_a_shorter_dossier(kind, tmp_path, capsys):
    model = taught(kind)
    model.save(tmp_path / "m.hw")
    assert main(["dossier", str(tmp_path / "m.hw")]) == 0
    assert capsys.readouterr().out.endswith("A model file keeps no log.\n")
    text = text_of(tmp_path / "m.hw.dossier.html")
    assert f"kind | {kind.noun} | " in text
    assert f"rows learned | {model.n_learned:,} | " in text
    assert hashlib.sha256((tmp_path / "m.hw").read_bytes()).hexdigest() in text
    assert fingerprint(hw.load(tmp_path / "m.hw")) in text
    assert "A model file keeps no log" in text
    assert "Proof" not in text
    assert ("e^" in text) == ("privacy" in model.describe())


@EVERY
def test_a_store_of_every_kind_is_reproduced(kind, tmp_path):
    rows = ROWS[:200]
    with hw.open(tmp_path / "s.db", kind.make({"seed": 1})) as store:
        labels = answers(kind, rows)
        store.teach(rows) if labels is None else store.teach(rows, labels)
        learned = store.n_learned
    assert main(["dossier", str(tmp_path / "s.db")]) == 0
    text = text_of(tmp_path / "s.db.dossier.html")
    assert f"rows learned | {learned} | " in text
    assert "The state at event 200 was reproduced from the snapshot at event 0" in text


def test_a_fleet_in_a_store_and_in_a_file_is_described_by_its_members(tmp_path):
    fleet = hw.Fleet(hw.Classifier(seed=1), key="c")
    fleet.step_many(ROWS[:100], answers(fleet.kind, ROWS[:100]))
    fleet.save(tmp_path / "fleet.hw")
    with hw.open(tmp_path / "s.db", hw.Fleet(hw.Classifier(seed=1), key="c")) as store:
        store.teach(ROWS[:100], answers(fleet.kind, ROWS[:100]))
    for name in ("fleet.hw", "s.db"):
        assert main(["dossier", str(tmp_path / name)]) == 0
        assert "members | 3, one for each c" in text_of(tmp_path / f"{name}.dossier.html")
    assert "The state at event 100 was reproduced" in text_of(tmp_path / "s.db.dossier.html")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("dossier none.db", "expected a saved model, got no such file — at none.db."),
        ("dossier orders.db --model other", "expected a model of this store, got 'other' — at model."),
        ("dossier orders.db --out orders.db", "expected a page FILE.html, got orders.db — at --out."),
        ("dossier orders.db --out no/page.html", "expected a file that can be written, got no folder no — at --out"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(work, capsys, line, sentence):
    assert main(line.split()) == 2
    out, err = capsys.readouterr()
    assert err.startswith(sentence)
    assert (out, err.count("\n")) == ("", 1)


def words_of(path):
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
    return b"".join(zlib.decompress(one) for one in streams if one[:1] == b"x").decode("latin-1")


def test_a_pdf_has_the_same_statements_on_at_most_two_sheets(work, capsys):
    pytest.importorskip("fpdf")
    assert main(["dossier", "orders.db", "--pdf"]) == 0
    assert capsys.readouterr().out.startswith("orders.db.dossier.html and orders.db.dossier.pdf: ")
    path = work / "orders.db.dossier.pdf"
    assert int(re.search(rb"/Count (\d+)", path.read_bytes())[1]) <= 2
    words = words_of(path)
    for statement in ("Dossier of orders.db", "request 17", "October 2026", digest("orders.db", 1, 502)):
        assert statement in words


def test_a_pdf_in_chinese_needs_a_font_and_says_so(work, capsys, monkeypatch):
    pytest.importorskip("fpdf")
    monkeypatch.setattr(pdf, "_FOLDERS", ())
    assert main(["dossier", "orders.db", "--pdf", "--language", "zh"]) == 2
    assert capsys.readouterr().err == (
        "expected a TrueType font (.ttf, .ttc) with the characters of this dossier, got none — at --pdf. "
        "Name one with --font FILE, such as Noto Sans SC, or print the HTML page from a browser.\n"
    )
    assert not (work / "orders.db.dossier.html").exists()


def test_a_font_with_the_characters_is_found_and_used(work, monkeypatch):
    pytest.importorskip("fpdf")
    monkeypatch.setattr(pdf, "_FOLDERS", (str(work),))
    write_font(work / "Han.ttf", {*range(32, 127), *range(0x3000, 0x9FFF), *range(0xFF00, 0xFFEF)})
    assert main(["dossier", "orders.db", "--pdf", "--language", "zh"]) == 0
    assert b"/FontFile2" in (work / "orders.db.dossier.pdf").read_bytes()
    assert int(re.search(rb"/Count (\d+)", (work / "orders.db.dossier.pdf").read_bytes())[1]) <= 2


def write_font(path, characters):
    """Write a TrueType font in which all characters look alike."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    pen.lineTo((0, 700))
    pen.lineTo((700, 0))
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "one"])
    builder.setupCharacterMap(dict.fromkeys(characters, "one"))
    builder.setupGlyf({".notdef": pen.glyph(), "one": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (1000, 0), "one": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Han", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
