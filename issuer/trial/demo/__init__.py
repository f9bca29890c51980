"""A trial authority at work: offices, employers, and made-up people in every state that there is."""
