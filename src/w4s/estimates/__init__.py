"""What a command will take, before it takes it: calls, tokens, dollars, minutes, with a range.

The calls follow from the structure of the work; what one solver call takes is measured where it
can be, and assumed where it cannot.

span          a quantity that is not known exactly
record        an estimate as it stands in a run folder
rates         what one solver call, one proposal takes
rehearsal     the package's own workflows played through, with a stand-in for the executor
assumptions   rates before anything was measured
measured      rates from an earlier run
pace          from work to minutes
work          what a search, a test, a collection consists of
foresight     all of it together
"""
