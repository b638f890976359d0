"""OpenAI-compatible servers, from the caller's side.

http        the Model: one request out, one reply back
features    what a server can do, learned from what it refuses
refusals    what a failed exchange means for a retry
replies     the body of an answer, read
"""
