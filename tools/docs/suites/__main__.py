"""Run other projects' suites on headwater, and write docs/compatibility.md in both languages from what ran.

python -m tools.docs.suites               # all suites, and the pages
python -m tools.docs.suites --json River  # one suite, one line of JSON a check; what the tests call
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from tools.docs.suites import page
from tools.docs.suites.foreign import SUITES, checks_of, versions


def main() -> int:
    """Run one suite for a caller, or all of them for the pages."""
    parser = argparse.ArgumentParser(prog="python -m tools.docs.suites", description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="SUITE", choices=[suite.name for suite in SUITES])
    wanted = parser.parse_args().json
    for suite in SUITES:
        if suite.name == wanted:
            for check in suite.run():
                print(json.dumps(asdict(check)))
            return 0
    missing = sorted({name for suite in SUITES for name in suite.packages if name not in versions(suite)})
    if missing:
        print(f"expected {', '.join(missing)} to be installed, so that no suite is left out", file=sys.stderr)
        return 2
    ran = {}
    for suite in SUITES:
        ran[suite] = checks_of(suite)
        print(f"{suite.name}: {len(ran[suite])} checks", flush=True)
    page.write(ran)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
