"""Commands of `casedrop` for monitoring and maintaining a running drop."""
