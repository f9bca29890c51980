"""The audit: a hash chain over every act, its verification, export and purge."""
