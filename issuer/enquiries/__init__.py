"""Messages between the parties of an application and its office."""
