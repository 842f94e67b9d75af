"""`python -m skyloom` is `skyloom`."""

from skyloom.cli import main

if __name__ == "__main__":
    main()
