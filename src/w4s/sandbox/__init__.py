"""Isolated Python that speaks JSON frames. `base` says what it does, `opening` opens one.

base        the contract: Job, Limits, Result, HostCall, Sandbox
opening     choose a backend, prove its walls
host        jobs in, Results out; places, zygotes, what runs again
grader      hidden tests against candidate code, in two children
nursery     the host's end of the zygote
child       one live child as the host sees it
exchange    one order under way: its clock, its calls, its limits
shifts      children that serve one workflow's problems one after another
outfit      which modules a program needs in its zygote
scratch     the private folder of the profile `scratch`
frames      messages on a byte stream
values      Python values as typed JSON
inside/     what runs on the far side: zygote, child, walls
"""

from w4s.sandbox.opening import Isolation, Kind, open_sandbox

__all__ = ["Isolation", "Kind", "open_sandbox"]
