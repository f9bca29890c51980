"""Lists of rows that somebody works through a part at a time: looked at first, then done, each row once."""
