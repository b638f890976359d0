"""Places: at most so many at once, and what takes longest goes first."""

import asyncio

from w4s.places import Places


async def visit(places: Places, kind: str, seconds: float, order: list[str]) -> None:
    async with places.place(kind):
        order.append(kind)
        await asyncio.sleep(seconds)


def test_never_more_than_the_count() -> None:
    async def main() -> None:
        places, inside, most = Places(3), 0, 0

        async def one() -> None:
            nonlocal inside, most
            async with places.place("a"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.001)
                inside -= 1

        await asyncio.gather(*[one() for _ in range(20)])
        assert (most, inside) == (3, 0)

    asyncio.run(main())


def test_what_took_longest_goes_first() -> None:
    async def main() -> None:
        order: list[str] = []
        places = Places(1)
        await visit(places, "short", 0.001, order)
        await visit(places, "long", 0.05, order)
        kinds = ["short", "short", "long", "long"]
        await asyncio.gather(*[visit(places, kind, 0.0, order) for kind in kinds[:3]])
        # each short visit lowered nothing: the long kind still has the larger mean
        assert order == ["short", "long", "long", "short", "short"]

    asyncio.run(main())


def test_within_a_kind_the_largest_goes_first() -> None:
    async def main() -> None:
        order: list[float] = []
        places = Places(1)

        async def one(size: float) -> None:
            async with places.place("a", size):
                order.append(size)

        await asyncio.gather(*[one(size) for size in (1.0, 3.0, 2.0)])
        assert order == [3.0, 2.0, 1.0]

    asyncio.run(main())


def test_a_large_call_of_a_short_kind_may_go_before_a_small_one_of_a_long_kind() -> None:
    async def main() -> None:
        order: list[str] = []
        places = Places(1)

        async def one(kind: str, size: float, seconds: float = 0.0) -> None:
            async with places.place(kind, size):
                order.append(f"{kind} {size:g}")
                await asyncio.sleep(seconds)

        await one("short", 1, 0.05)
        await one("long", 1, 0.1)
        await asyncio.gather(one("long", 0.5), one("short", 3.0))
        assert order[2:] == ["short 3", "long 0.5"]

    asyncio.run(main())


def test_the_unknown_goes_before_all_and_each_of_them_in_turn() -> None:
    async def main() -> None:
        order: list[str] = []
        places = Places(2)
        await visit(places, "known", 0.05, order)
        kinds = ["known", "new", "new", "newer", "newer"]
        await asyncio.gather(*[visit(places, kind, 0.01, order) for kind in kinds])
        assert set(order[1:3]) == {"new", "newer"}

    asyncio.run(main())


def test_who_gives_up_takes_no_place() -> None:
    async def main() -> None:
        order: list[str] = []
        places = Places(1)
        first = asyncio.create_task(visit(places, "a", 0.01, order))
        await asyncio.sleep(0.001)
        given_up = asyncio.create_task(visit(places, "b", 0.01, order))
        last = asyncio.create_task(visit(places, "c", 0.01, order))
        await asyncio.sleep(0.001)
        given_up.cancel()
        await asyncio.gather(first, last)
        assert order == ["a", "c"]

        called = asyncio.create_task(visit(places, "d", 0.01, order))
        await asyncio.sleep(0)  # it has asked
        await asyncio.sleep(0)  # it has been called, and has not gone in
        called.cancel()
        await asyncio.gather(called, return_exceptions=True)
        await asyncio.wait_for(visit(places, "e", 0.0, order), 1)
        assert order[-1] == "e"

    asyncio.run(main())
