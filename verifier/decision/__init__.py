"""The offline decision: policy, checks, reasons, verdict."""
