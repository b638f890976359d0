"""`python -m w4s` is the command `w4s`."""

from w4s.cli.main import main

if __name__ == "__main__":
    main()
