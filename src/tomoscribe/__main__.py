"""`python -m tomoscribe` is the command `tomoscribe`."""

from tomoscribe.cli.main import main

main()
