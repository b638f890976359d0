"""What sending a call entails: a place, money, another try; and the book that is kept of it.

metered        the wrapper that owns all of it
concurrency    how many calls at a time an endpoint bears
breaker        notices that a provider is dead
budget         the user's limits
ledger         the account book, written before a call is sent
prices         what tokens cost
"""
