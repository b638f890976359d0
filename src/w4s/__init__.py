"""Weak-for-Strong: a small model learns to write workflows for a strong one."""

__version__ = "0.1.0"
