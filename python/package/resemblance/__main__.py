"""The command `resemblance`."""

import sys

from resemblance import _native


def main() -> None:
    sys.exit(_native.main(sys.argv))


if __name__ == "__main__":
    main()
