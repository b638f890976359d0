"""A meta-agent that samples workflows from a grammar of slots.

`plan` holds the slots, `sketch` the pencil, `pieces`, `answers` and `functions` the strategies,
`wording` the phrases, `program` the whole text and its bugs, `conversation` what is read, and
`player` the Sampler.
"""

from w4s.models.grammar.player import Grammar
from w4s.models.grammar.program import Program, sample_program

__all__ = ["Grammar", "Program", "sample_program"]
