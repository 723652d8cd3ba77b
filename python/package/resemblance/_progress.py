"""The bar of `progress=True`: tqdm's if it is installed, else a line on standard error."""

import sys
from typing import Any


class Bar:
    """Shows the progress of each stage of a run."""

    def __init__(self) -> None:
        self._stage = ""
        self._bar: Any = None

    def __call__(self, stage: str, done: int, total: int, unit: str) -> None:
        try:
            from tqdm.auto import tqdm  # type: ignore[import-untyped,unused-ignore]
        except ImportError:
            if stage != self._stage or done == total:
                print(f"\r{stage}: {done:,} of {total:,} {unit}\033[K", end="", file=sys.stderr, flush=True)
            self._stage = stage
            return
        if stage != self._stage:
            self.close()
            self._bar = tqdm(total=total, desc=stage, unit=f" {unit}", unit_scale=unit == "bytes")
            self._stage = stage
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()
        elif self._stage:
            print(file=sys.stderr)
        self._bar, self._stage = None, ""
