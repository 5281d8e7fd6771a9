"""Runs many triggers through the real code while everything around it fails, and compares what the cloud accepted.

Started by `python -m bench.faults`; `__main__` has the arguments. The sandbox, the workers and the requester are processes
of their own, with real sockets and a real database between them. Durations are compressed (see `compression`), faults
follow a seed (`plan`), and the verdict (`verdict`) is drawn from the sandbox's own list of what it accepted.
"""
