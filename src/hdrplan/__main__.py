"""Run the command line with ``python -m hdrplan``."""

from hdrplan.cli import main

main()
