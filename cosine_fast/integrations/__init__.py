"""One module for each framework. Each imports its framework; nothing else in the package imports these modules."""
