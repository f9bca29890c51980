"""The issuing service over HTTP: everything that the core can do, for whoever may do it."""
