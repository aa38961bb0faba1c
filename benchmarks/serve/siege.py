"""A server under siege: 10,000 hostile requests and 300 slow connections, beside a client that predicts and learns.

python -m benchmarks.serve.siege            # some five minutes; no 5xx, memory within 50 MB, p99 within 3 times its quiet value
"""

import sys
import tempfile

from benchmarks.serve.crash import TESTS, loaded

HOSTILE, SLOW, ROUNDS, ASKED = 10_000, 300, 5, 600


def main():
    support = loaded(TESTS / "support" / "siege.py")
    with tempfile.TemporaryDirectory() as folder:
        siege = support.Siege(folder, *sys.argv[1:])
        found = siege.run(hostile_requests=HOSTILE, slow_connections=SLOW, rounds=ROUNDS, asked=ASKED)
        status = siege.end()
    print(f"answers by status (0: closed without one): {dict(sorted(found.statuses.items()))}; 5xx: {found.failures}")
    print(f"slow connections opened: {found.slow_opened}; exit status: {status}")
    print(
        "memory before, and after each round (MB; at its peak):",
        [f"{now:.0f} ({top:.0f})" for now, top in found.memory],
    )
    for share in (0.5, 0.9, 0.99):
        quiet, besieged = (1e3 * support.percentile(times, share) for times in (found.quiet, found.besieged))
        print(
            f"p{100 * share:g} of a client: {quiet:.1f} ms quiet, {besieged:.1f} ms besieged ({besieged / quiet:.1f} times)"
        )


if __name__ == "__main__":
    main()
