"""Data flows forward: a row passes few files, and enters none of them twice."""

import pytest

import headwater as hw
from headwater.cli import main
from support.walks import walked


def warm(model, answer):
    """A session that has taken so many rows that whatever happens at first has happened."""
    session = hw.Session(model)
    for i in range(3_000):
        session.step([{"size": float(i % 7), "colour": "red" if i % 2 else "blue"}], [answer(i)])
    return session


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda: hw.Classifier(seed=1), lambda i: "ab"[i % 2]),
        (lambda: hw.Classifier((8,), loss="binary_cross_entropy"), lambda i: i % 2 == 0),
        (lambda: hw.Regressor(seed=1), lambda i: float(i % 5)),
    ],
    ids=["classifier", "binary", "regressor"],
)
def test_a_row_takes_at_most_thirty_calls_in_twelve_files_and_enters_none_of_them_twice(make, answer):
    session = warm(make(), answer)
    walk = walked(lambda: session.step([{"size": 1.0, "colour": "red"}], [answer(0)]))
    assert len(walk.calls) <= 30, walk.calls
    assert len(walk.files) <= 12, walk.files
    assert walk.entered_again == {}
    assert {"route/session.py", "learner/supervised.py", "learner/validation.py", "learner/engine.py"} < set(walk.files)


def test_before_the_first_row_of_a_file_is_learned_little_is_called(tmp_path, monkeypatch, capsys):
    """The experts of the default pool, and what declares them to the core, are made and checked once a process."""
    monkeypatch.chdir(tmp_path)
    rows = "".join(
        f"{i % 24},{'JFK' if i % 5 else 'LGA'},{i % 7 / 2},{'yes' if i % 24 > 12 else 'no'}\n" for i in range(300)
    )
    (tmp_path / "a.csv").write_text(f"hour,origin,size,late\n{rows}")
    command = ["learn", "a.csv", "--target", "late"]
    assert main(command) == 0  # whatever happens at first has happened
    walk = walked(lambda: main(command), until="Engine.learn")
    reading = [call for call in walk.calls if call[0].startswith(("cli/", "streams/"))]
    assert capsys.readouterr().out.count("\n300 rows at ") == 2
    assert len(reading) <= 172, reading
    assert len({file for file, _, _ in reading}) <= 28
    assert len(walk.calls) <= 255
    assert len(walk.files) <= 48, walk.files
