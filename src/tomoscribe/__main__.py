"""`python -m tomoscribe` is the command `tomoscribe`."""

from tomoscribe.cli.main import main

if __name__ == "__main__":
    main()
