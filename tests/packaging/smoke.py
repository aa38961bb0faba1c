"""Build the wheel and the sdist, and try the wheel alone in an empty environment: what ``.ci/run`` runs after the tests.

    python tests/packaging/smoke.py                    # with the oldest and the newest Python there is
    python tests/packaging/smoke.py python3.12         # with this one
    python tests/packaging/smoke.py dist/….whl         # only tries this wheel, which `make wheels` has built

The sdist is also installed where no C compiler can be found: the build must get one from PyPI by itself.

Everything happens in a temporary folder, outside the checkout, so that nothing but the wheel can be imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = "python3.11"
NEWEST = ("python3.15", "python3.14", "python3.13", "python3.12")
"""Newest first; the first that is there is taken."""
IN_WHEEL = (
    *("headwater/py.typed", "headwater/_core.abi3.so", "headwater/cli/commands.py"),
    *(
        f"headwater/serve/web/{name}"
        for name in (
            "index.html",
            "live/main.js",
            "playground/index.html",
            "playground/worker/worker.js",
            "shared/style.css",
        )
    ),
    *(f"headwater/store/web/{name}" for name in ("module/headwater.mjs", "module/headwater.wasm", "page/index.html")),
    *(f"headwater/store/web/{name}" for name in ("module/kinds.mjs", "module/kinds.wasm", "kinds/index.html")),
)
IN_SDIST = (
    *("pyproject.toml", "LICENSE", "README.md", "src/headwater/py.typed", "tests/project/test_house.py"),
    *("core/headwater.h", "core/kernels.c", "tools/build/hook.py", "tools/build/abi3/Python.h"),
    *("js/headwater.mjs", "src/headwater/store/web/module/headwater.wasm"),
)
TEN_LINES = """
import headwater as hw

model = hw.Classifier(hidden=(8,), seed=1)
for i in range(200):
    x = {"size": i % 7, "colour": "red" if i % 3 else "blue"}
    model.predict_one(x)
    model.learn_one(x, "stop" if i % 3 else "go")
model.save("m.hw")
assert hw.load("m.hw").predict_one({"colour": "blue", "size": 3}) == "go"
print(hw.__version__)
"""
WITHOUT_EXTRAS = """
import headwater.interop.loggers, headwater.interop.mlflow
from headwater.errors import MissingExtra

try:
    import headwater.interop.sklearn
except MissingExtra as error:
    print(error.help)
"""


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """Run a command in a folder and return what it prints; a failure ends the smoke test with its last lines."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=kept | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def found(python: str, folder: Path) -> bool:
    """Say whether an interpreter runs and can make an environment; a version manager's shim may stand for none."""
    code = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", code], cwd=folder, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def environment(python: str, folder: Path, *packages: str | Path) -> Path:
    """Return the interpreter of a fresh environment with those packages, and with pip if there are none."""
    place = Path(tempfile.mkdtemp(prefix=f"env-{Path(python).name}-", dir=folder))
    run(python, "-m", "venv", *["--without-pip"] * bool(packages), place, folder=folder)
    if packages:
        run(sys.executable, "-m", "tools.install", place / "bin" / "python", *packages, folder=ROOT)
    return place / "bin" / "python"


def build(folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel; look into both, have the wheel's tag checked, and return them."""
    python = environment(sys.executable, folder, "abi3audit", "build")
    run(python, "-m", "build", "--outdir", folder / "dist", ROOT, folder=folder)
    (wheel,), (sdist,) = (folder / "dist").glob("*.whl"), (folder / "dist").glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        sources = {name.split("/", 1)[-1] for name in archive.getnames()}
    lost = [*(name for name in IN_WHEEL if name not in names), *(name for name in IN_SDIST if name not in sources)]
    strays = [name for name in names if not name.startswith("headwater")]
    if lost or strays:
        sys.exit(f"missing from the wheel or the sdist: {lost}; in the wheel, but not of the package: {strays}")
    run(python.parent / "abi3audit", "--strict", wheel, folder=folder)
    run(python, "-m", "build", "--wheel", "--outdir", folder / "checkout", ROOT, folder=folder)
    lost = names - set(zipfile.ZipFile(next((folder / "checkout").glob("*.whl"))).namelist())
    if lost:
        sys.exit(f"missing from the wheel that a checkout gives: {lost}")
    print(f"{wheel.name} {wheel.stat().st_size / 1e3:.0f} kB, {sdist.name} {sdist.stat().st_size / 1e3:.0f} kB")
    return wheel, sdist


def without_a_compiler(sdist: Path, python: str, folder: Path) -> None:
    """Install the sdist where only Python is found: the build asks PyPI for a compiler, and the library learns."""
    interpreter = environment(python, folder)
    bare = {"PATH": str(interpreter.parent), "CC": ""}
    log = folder / "pip.log"
    run(interpreter.parent / "pip", "install", "--quiet", "--log", log, sdist, folder=folder, **bare)
    if "Collecting ziglang" not in log.read_text(encoding="utf-8"):
        sys.exit("expected pip to say that it fetched a compiler, got no word of it")
    run(interpreter, "-W", "error", "-c", TEN_LINES, folder=folder, **bare)
    print(
        f"{run(interpreter, '--version', folder=folder).strip()}: without a C compiler the build gets one from PyPI, and learns"
    )


def try_out(wheel: Path, python: str, folder: Path) -> None:
    """Install the wheel alone and use it: ten lines of Python, and the command line from a file to predictions."""
    own = folder / f"work-{python}"
    own.mkdir()
    interpreter = environment(python, folder, wheel)
    headwater = interpreter.parent / "headwater"
    version = run(interpreter, "-W", "error", "-c", TEN_LINES, folder=own).strip()
    said = run(headwater, "--version", folder=own)
    if version not in said or not wheel.name.startswith(f"headwater-{version}-"):
        sys.exit(f"versions differ: {version!r}, {said!r}, {wheel.name}")
    help_ = run(interpreter, "-c", WITHOUT_EXTRAS, folder=own)
    if "pip install 'headwater[sklearn]'" not in help_:
        sys.exit(f"without the extra it says: {help_!r}")
    rows = [
        "size,colour,answer",
        *(f"{i % 7},{'red' if i % 3 else 'blue'},{'stop' if i % 3 else 'go'}" for i in range(300)),
    ]
    (own / "rows.csv").write_text("\n".join(rows) + "\n")
    run(headwater, "learn", "rows.csv", "--target", "answer", "--hidden", "8", "--model", "cli.hw", folder=own)
    run(headwater, "predict", "rows.csv", "--model", "cli.hw", "--out", "said.csv", folder=own)
    shown = run(headwater, "show", "cli.hw", folder=own)
    if "300" not in shown or len((own / "said.csv").read_text().splitlines()) != len(rows):
        sys.exit(f"the command line said:\n{shown}")
    where = run(interpreter, "-c", "import headwater; print(headwater.__file__)", folder=own)
    if "site-packages" not in where:
        sys.exit(f"not the wheel was tried, but {where}")
    print(
        f"{run(interpreter, '--version', folder=own).strip()}: the wheel alone learns, predicts, shows, saves and loads"
    )


def main() -> None:
    """Build once, then try each interpreter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        newest = next((python for python in NEWEST if found(python, folder)), None)
        given = [Path(argument).resolve() for argument in sys.argv[1:] if argument.endswith(".whl")]
        named = [argument for argument in sys.argv[1:] if not argument.endswith(".whl")]
        wanted = named or list(dict.fromkeys(python for python in (OLDEST, newest) if python))
        there = [python for python in wanted if found(python, folder)]
        if not there:
            sys.exit(f"expected one of {', '.join(wanted)}, got none of them. Install one.")
        wheel, sdist = (given[0], None) if given else build(folder)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            tried = [pool.submit(without_a_compiler, sdist, there[-1], folder)] if sdist else []
            tried += [pool.submit(try_out, wheel, python, folder) for python in there]
            for one in tried:
                one.result()


if __name__ == "__main__":
    main()
