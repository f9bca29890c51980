"""What all commands share: options, errors as lines, output for people and programs."""
