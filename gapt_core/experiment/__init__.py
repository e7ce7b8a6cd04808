"""The experiment that decides the method: a grid of runs, their measures, their statistics and the report."""
