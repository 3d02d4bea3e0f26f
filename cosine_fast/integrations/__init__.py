"""One module for each framework. The rest of the package imports one only to serve that framework's own arrays."""
