"""Build a release twice, compare both to the byte, check tags, contents and licences, try what runs here, and say what was only built.

    make release                                          # everything, into dist/release
    python -m tools.build.wheels.release x86_64-linux-gnu.2.17   # the wheels of these machines alone

Both builds begin from the files of the project alone, in folders of different names, with another time zone, language, order of
hashes and umask. Nothing is published: that is .github/workflows/release.yml's, once a person has switched it on.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from tools.build.compiler import host
from tools.build.core import ROOT
from tools.build.extension import PLATFORMS
from tools.build.wheels.__main__ import check_tag, run
from tools.build.wheels.conda import recipe
from tools.build.wheels.listed import listed
from tools.build.wheels.sbom import NAME

OUT = ROOT / "dist" / "release"
SITE = ROOT / "build" / "site"
OTHERWISE = (
    {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "0"},
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "77"},
)
UMASKS = (0o022, 0o077)
FREE = "MIT;BSD;Apache;ISC;Python Software Foundation;PSF;Mozilla Public License 2.0;MPL-2.0;0BSD;Unlicense;CC0;Zlib"
"""Licences that a package may have which is installed with headwater, as parts of what packages say."""
NOT_BUILT = (
    "wheels for free-threaded Python (they have no stable ABI: a build on each version) and for Pyodide",
    "the container image, which needs a daemon: docker build -f deploy/Dockerfile .",
    "the package for conda-forge: its recipe, with the digest of the sdist, is recipe.yaml",
)


def sources(to: Path) -> None:
    """Copy the files that git knows or would, which an unpacked sdist has too."""
    for name in listed():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, to / name)


def origin() -> str:
    """Return which commit is built, as far as the folder knows."""
    if not (ROOT / ".git").exists():
        return "an unpacked sdist"
    return run("git", "describe", "--always", "--dirty").strip()


def built(folder: Path, turn: int, targets: list[str]) -> Path:
    """Build everything from a copy of the sources; return where it lies."""
    tree, out = folder / f"tree{'-with-another-name' * turn}", folder / f"out{turn}"
    tree.mkdir()
    sources(tree)
    kept = {key: value for key, value in os.environ.items() if key not in ("CFLAGS", "LDFLAGS", "SOURCE_DATE_EPOCH")}
    command = [sys.executable, "-m", "tools.build.wheels.artifacts", str(out), *targets]
    environment = kept | OTHERWISE[turn] | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        command, cwd=tree, env=environment, umask=UMASKS[turn], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}")
    return out


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a folder."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir()) if path.is_file()
    }


def differences(first: Path, second: Path) -> list[str]:
    """Return a sentence for each file of two builds that is missing in one or has other bytes, with the members that differ."""
    one, other = digests(first), digests(second)
    found = [f"{name} is in one build alone" for name in sorted(one.keys() ^ other.keys())]
    for name in sorted(one.keys() & other.keys()):
        if one[name] != other[name]:
            parts = [members(folder / name) for folder in (first, second)]
            own = sorted(part for part in parts[0].keys() | parts[1].keys() if parts[0].get(part) != parts[1].get(part))
            found.append(f"{name} differs: {', '.join(own[:5]) or 'in how it is packed'}")
    return found


def members(path: Path) -> dict[str, bytes]:
    """Return what an archive holds."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    if path.suffix in (".gz", ".tgz"):
        with tarfile.open(path) as archive:
            return {one.name: file.read() for one in archive if (file := archive.extractfile(one))}
    return {}


def check_contents(wheel: Path) -> None:
    """End with an error unless a wheel holds its licence and the list of its parts."""
    names = zipfile.ZipFile(wheel).namelist()
    wanted = (f".dist-info/sboms/{NAME}", ".dist-info/licenses/LICENSE")
    lost = [end for end in wanted if not any(name.endswith(end) for name in names)]
    if lost:
        raise SystemExit(f"{wheel.name} lacks {', '.join(lost)}")


def licences(wheel: Path, folder: Path) -> str:
    """End with an error unless each package that comes with a wheel has a free licence; return the list."""
    interpreter = folder / "licences" / "bin" / "python"
    run(sys.executable, "-m", "uv", "venv", "--quiet", folder / "licences")
    run(sys.executable, "-m", "tools.install", interpreter, wheel)
    command: list[str | Path] = [
        Path(sys.executable).with_name("pip-licenses"),
        "--python",
        interpreter,
        "--from",
        "mixed",
    ]
    return run(*command, "--format", "plain", "--partial-match", "--allow-only", FREE)


def site(out: Path) -> str:
    """Pack the site, if it was built."""
    if not (SITE / "index.html").is_file():
        return "no site: run make docs"

    def plain(one: tarfile.TarInfo) -> tarfile.TarInfo:
        one.mtime, one.uid, one.gid, one.uname, one.gname = 0, 0, 0, "", ""
        return one

    with tarfile.open(out / "site.tar.xz", "w:xz") as archive:
        for path in sorted(SITE.rglob("*")):
            archive.add(path, path.relative_to(SITE), recursive=False, filter=plain)
    return "site.tar.xz: built once and not compared"


def main() -> None:
    """Build, compare, check, try and report."""
    targets = sys.argv[1:] or [*PLATFORMS]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = (built(folder, turn, targets) for turn in range(2))
        if different := differences(first, second):
            raise SystemExit("the same sources gave other bytes:\n" + "\n".join(different))
        shutil.rmtree(OUT, ignore_errors=True)
        shutil.copytree(first, OUT)
        print(f"{origin()}: built twice, the same to the byte\n")
        report(targets, folder)
    for sdist in OUT.glob("headwater-*.tar.gz"):
        (OUT / "recipe.yaml").write_text(recipe(sdist), encoding="utf-8")
    print(f"\n{site(OUT)}\nnot built: " + "\n           ".join(NOT_BUILT))
    sums = "".join(f"{digest}  {file}\n" for file, digest in digests(OUT).items())
    (OUT / "SHA256SUMS").write_text(sums, encoding="utf-8")


def report(targets: list[str], folder: Path) -> None:
    """Check each file, try what runs here, and say of the others that they were only built."""
    here = PLATFORMS[host()].rpartition(".")[2]
    for path in sorted(OUT.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1e3:,.0f} kB")
        if path.suffix == ".whl":
            check_contents(path)
            print(f"    tag checked by {check_tag(path)}; holds its licence and {NAME}")
            tried = here in path.name
            said = run(sys.executable, "tests/packaging/smoke.py", path) if tried else "BUILT ONLY, not run"
            print("    " + said.strip().replace("\n", "\n    "), flush=True)
            if tried:
                print("    installed with it:\n    " + licences(path, folder).strip().replace("\n", "\n    "))
        else:
            print("    BUILT ONLY; make package tries the sdist, tests/js the module", flush=True)
    if not any(host() == target for target in targets):
        print("no wheel of this machine was asked for, so nothing was run")


if __name__ == "__main__":
    main()
