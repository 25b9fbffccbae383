"""`python -m wtl` is `wtl`."""

from wtl.cli import main

if __name__ == "__main__":
    main()
