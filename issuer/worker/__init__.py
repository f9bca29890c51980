"""The worker: publishes, recovers, exports and delivers until it is stopped."""
