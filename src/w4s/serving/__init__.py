"""A workflow behind an OpenAI-compatible endpoint.

settings    what `w4s serve` and `w4s export` can be told
requests    a request's body as a question; which options are used, ignored, refused
service     questions answered, so many at a time, each within its limits
purse       what one request may spend; a model's life after an outage
bodies      answers in the protocol's shapes, whole or streamed
server      routes, keys, errors, and the end in good order
"""
