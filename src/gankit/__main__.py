"""`python -m gankit`: the same as the command `gankit`."""

from gankit.cli import main

if __name__ == "__main__":
    main()
