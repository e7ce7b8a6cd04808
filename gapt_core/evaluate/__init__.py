"""Evaluation: free-running play over fixed melodies, and the tables of it."""
