"""`python -m wtl` is `wtl`."""

from wtl.commands.cli import main

if __name__ == "__main__":
    main()
