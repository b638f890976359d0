"""The walls: what takes a child's rights away, one layer per module. Standard library only."""
