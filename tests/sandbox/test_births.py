"""Births: children start in batches."""

import asyncio

from w4s.sandbox.births import Births


def test_a_batch_starts_at_once_and_the_next_one_when_few_are_left() -> None:
    async def main() -> list[int]:
        births, begun, seen = Births(batch=4, few=1), 0, []

        async def child() -> None:
            nonlocal begun
            await births.begin()
            begun += 1

        children = [asyncio.create_task(child()) for _ in range(10)]
        for _ in range(11):
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            seen.append(begun)
            if len(seen) <= 10:
                births.done()
        await asyncio.gather(*children)
        return seen

    # three of four have to arrive before three more begin
    assert asyncio.run(main()) == [4, 4, 4, 7, 7, 7, 10, 10, 10, 10, 10]


def test_who_gives_up_is_passed_over() -> None:
    async def main() -> None:
        births = Births(batch=1, few=0)
        await births.begin()
        impatient = asyncio.create_task(births.begin())
        patient = asyncio.create_task(births.begin())
        await asyncio.sleep(0)
        impatient.cancel()
        births.done()
        await asyncio.wait_for(patient, 1)

    asyncio.run(main())


def test_who_gives_up_with_leave_in_hand_gives_it_back() -> None:
    async def main() -> None:
        births = Births(batch=1, few=0)
        await births.begin()
        impatient = asyncio.create_task(births.begin())
        await asyncio.sleep(0)
        births.done()  # leave is given, and not yet taken
        impatient.cancel()
        await asyncio.sleep(0)
        await asyncio.wait_for(births.begin(), 1)

    asyncio.run(main())
