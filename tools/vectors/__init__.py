"""The makers of the vectors in tests/vectors, one module for each folder or layer; ``tools.make_vectors`` runs them."""
