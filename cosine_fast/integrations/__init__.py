"""One module a framework. Each imports its framework; nothing imports them but who uses that framework."""
