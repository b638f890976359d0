"""What the parts cost, against the ideal and against others. Not part of the tests."""
