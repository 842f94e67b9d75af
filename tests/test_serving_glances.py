"""Many who look at once ask the store once; what is changed here is seen at once."""

import asyncio
import json
import threading

import pytest

from skyloom.serving.glances import Glances


class Store:
    """Counts how often it is asked; `gate` holds it up."""

    def __init__(self):
        self.asked, self.value, self.gate = 0, 1, threading.Event()
        self.gate.set()

    def look(self):
        self.asked += 1
        found = self.value
        assert self.gate.wait(10)
        return {"value": found}, {"x-told": str(found)}


def value_of(response):
    return json.loads(response.body)["value"]


def test_many_at_once_ask_once_and_again_after_a_moment():
    store, now = Store(), [0.0]

    async def scenario():
        glances = Glances(0.2, lambda: now[0])
        found = await asyncio.gather(*(glances.answer("a", store.look) for _ in range(50)))
        assert {value_of(one) for one in found} == {1} and store.asked == 1
        assert found[0].headers["x-told"] == "1" and found[0].media_type == "application/json"
        store.value, now[0] = 2, 0.19
        assert value_of(await glances.answer("a", store.look)) == 1
        assert value_of(await glances.answer("b", store.look)) == 2
        now[0] = 0.21
        assert value_of(await glances.answer("a", store.look)) == 2 and store.asked == 3

    asyncio.run(scenario())


def test_what_was_looked_up_before_a_change_is_not_kept_after_it():
    store = Store()

    async def scenario():
        glances = Glances(60.0)
        store.gate.clear()
        early = asyncio.ensure_future(glances.answer("a", store.look))
        while not store.asked:
            await asyncio.sleep(0.001)
        store.value = 2
        glances.forget()
        late = asyncio.ensure_future(glances.answer("a", store.look))
        await asyncio.sleep(0)
        store.gate.set()
        assert (value_of(await early), value_of(await late)) == (1, 2)
        assert value_of(await glances.answer("a", store.look)) == 2 and store.asked == 2

    asyncio.run(scenario())


def test_errors_are_told_and_not_kept():
    async def scenario():
        glances = Glances()
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await glances.answer("a", lambda: 1 / 0)
        assert not glances.looking and not glances.known

    asyncio.run(scenario())
