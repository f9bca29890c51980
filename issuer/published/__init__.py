"""What is published, as rows: files, the trust list in force, and which keys it vouches for."""
