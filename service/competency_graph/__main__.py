"""`python -m competency_graph`: the command line."""

from competency_graph.cli import main

main()
