"""`python -m csl` is `csl`."""

from csl.cli import main

if __name__ == "__main__":
    main()
