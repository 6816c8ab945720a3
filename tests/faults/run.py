"""The long campaigns, by hand: `make faults ROUNDS=20 SECONDS=5`. Prints one table; exits 1 if a row is bad."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from faults.campaigns import CAMPAIGNS


def main() -> int:
    rounds, seconds = int(os.environ.get("ROUNDS") or 20), float(os.environ.get("SECONDS") or 4)
    print("| campaign | rounds | cameras | lines sent | worst video loss s | lines lost | doubled | slowest s | good |")
    print("|---|---|---|---|---|---|---|---|---|")
    bad = 0
    for campaign in CAMPAIGNS:
        row = campaign(rounds, seconds)
        bad += not row.good
        print(
            f"| {row.name} | {row.rounds} | {row.cameras} | {row.lines} | {row.video_lost:.2f} | {row.lines_lost} |"
            f" {row.lines_doubled} | {row.slowest_seconds:.1f} | {'yes' if row.good else 'NO'} |",
            flush=True,
        )
        print(*row.missing, sep="\n", end="\n" if row.missing else "", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
