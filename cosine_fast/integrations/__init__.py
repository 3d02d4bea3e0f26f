"""A module for each framework: it imports its framework, and nothing else in the package imports it."""
