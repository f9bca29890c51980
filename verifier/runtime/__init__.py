"""What every process needs and the issuing service shares: files, locks, commands, HTTP, outbound requests."""
