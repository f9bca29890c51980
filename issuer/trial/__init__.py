"""A trial authority in one folder, of the test environment."""
