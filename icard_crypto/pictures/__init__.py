"""Pictures from strangers, and the holder's photo made small enough for a code."""
