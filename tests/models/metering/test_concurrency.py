"""Places at an endpoint: handed out in order, more or fewer as the endpoint shows."""

from __future__ import annotations

import asyncio

from w4s.models.metering.concurrency import Concurrency


def test_no_more_are_in_than_there_are_places() -> None:
    async def main() -> None:
        places = Concurrency(start=3)
        now = highest = 0

        async def visit() -> None:
            nonlocal now, highest
            await places.enter()
            now += 1
            highest = max(highest, now)
            await asyncio.sleep(0.001)
            now -= 1
            places.leave()

        await asyncio.gather(*(visit() for _ in range(50)))
        assert highest == 3
        assert places.taken == 0

    asyncio.run(main())


def test_first_come_first_served_also_when_some_turn_away() -> None:
    async def main() -> None:
        places = Concurrency(start=1)
        served: list[int] = []

        async def visit(number: int) -> None:
            await places.enter()
            served.append(number)
            await asyncio.sleep(0.001)
            places.leave()

        tasks = [asyncio.create_task(visit(number)) for number in range(10)]
        await asyncio.sleep(0)
        for number in (3, 7):
            tasks[number].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert served == [0, 1, 2, 4, 5, 6, 8, 9]
        assert places.taken == 0

    asyncio.run(main())


def test_a_place_handed_over_in_the_moment_of_a_cancellation_is_not_lost() -> None:
    async def main() -> None:
        places = Concurrency(start=1)
        await places.enter()
        waiting = asyncio.create_task(places.enter())
        await asyncio.sleep(0)
        places.leave()  # hands the place over
        waiting.cancel()  # and it is cancelled before it wakes
        await asyncio.gather(waiting, return_exceptions=True)
        assert places.taken == 0
        await asyncio.wait_for(places.enter(), 1)

    asyncio.run(main())


def test_refusals_narrow_and_answers_widen_what_is_used() -> None:
    async def main() -> None:
        places = Concurrency(start=20)
        for _ in range(1000):
            places.refused()
        assert places.limit == 1
        await places.enter()
        for _ in range(4):
            places.answered()
        assert places.limit > 1
        before = places.limit
        places.leave()
        for _ in range(100):
            places.answered()  # nobody needs more places
        assert places.limit == before

    asyncio.run(main())


def test_until_the_first_refusal_every_answer_makes_one_more_place() -> None:
    async def main() -> None:
        places = Concurrency(start=8, most=30)
        for _ in range(8):
            await places.enter()
        waiting = [asyncio.create_task(places.enter()) for _ in range(40)]
        await asyncio.sleep(0)
        for _ in range(8):
            places.answered()
            places.leave()
        assert places.limit == places.taken == 16
        for _ in range(40):
            places.answered()
        assert places.limit == 30
        places.refused()
        places.answered()
        assert places.limit == 29
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(main())


def test_a_server_that_refuses_a_tenth_at_random_is_not_taken_for_a_full_one() -> None:
    async def main() -> None:
        places = Concurrency(start=256)
        for _ in range(256):
            await places.enter()
        for number in range(5000):
            if number % 10 == 0:
                places.refused()
            else:
                places.answered()
        assert places.limit > 200

    asyncio.run(main())


def test_with_fewer_places_a_caller_queues_again_and_keeps_the_count() -> None:
    async def main() -> None:
        places = Concurrency(start=2)
        await places.enter()
        await places.enter()
        places.refused()
        places.refused()
        assert places.limit == 1
        again = asyncio.create_task(places.make_room())
        await asyncio.sleep(0.01)
        assert not again.done()
        places.leave()
        await again
        assert places.taken == 1

        await places.make_room()  # there is room: nothing happens
        places.leave()
        assert places.taken == 0

    asyncio.run(main())


def test_a_cancelled_caller_without_a_place_gives_none_back() -> None:
    async def main() -> None:
        places = Concurrency(start=2)
        await places.enter()
        await places.enter()
        places.refused()
        places.refused()

        async def caller() -> None:
            try:
                await places.make_room()
            finally:
                places.leave()

        task = asyncio.create_task(caller())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert places.taken == 1

    asyncio.run(main())
