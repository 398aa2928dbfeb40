"""``python -m beltline``."""

from beltline.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())
