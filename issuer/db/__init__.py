"""The database of the issuing service: engine and unit of work, tables, migrations."""
