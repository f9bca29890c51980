"""Pictures from untrusted sources, and the holder's photo made small enough for a code."""
