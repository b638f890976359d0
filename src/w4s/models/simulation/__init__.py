"""The parts of the simulated executor, in the order in which a request passes through them.

asking        what a conversation asks for, and what it shows: keys, effort, earlier answers
profiles      how able and how biased the simulated model is
chance        random numbers that depend on nothing but texts and seeds
repertoire    what a model may say to one problem: right and wrong answers and programs
opinion       whether it gets the problem right here, and what it makes of earlier answers
writing       the reply, in the form that was asked for
"""
