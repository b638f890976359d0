"""What runs on the far side of the wall: the zygote and its children.

Standard library only; `w4s` itself is never imported there (see `zygote.BOOT` in the
host's `nursery`).
"""
