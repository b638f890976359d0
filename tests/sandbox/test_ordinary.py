"""Programs of the kind that models write run unchanged behind the walls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from w4s.sandbox.base import Ending, Job
from w4s.sandbox.host import Profile, PythonSandbox
from w4s.types import JSON

PRELUDE = """
class Agent:
    def __init__(self, call):
        self._call = call

    def ask(self, question):
        return self._call("ask", question=question)


def make_agent(call):
    return Agent(call)
"""

PROGRAMS: dict[str, tuple[str, object]] = {
    "regular expressions": (
        "import re\ndef solver(agent, task):\n"
        "    return re.findall(r'\\b(\\w)(\\w+)', task)[0][1] + re.sub('[aeiou]', '', task)",
        "heth thr r tw cts",
    ),
    "collections": (
        "from collections import Counter, defaultdict, deque, namedtuple, OrderedDict\n"
        "P = namedtuple('P', 'x y')\n"
        "def solver(agent, task):\n"
        "    d = defaultdict(list); d[1].append(P(1, 2).x); q = deque([1], maxlen=2); q.append(2)\n"
        "    return [Counter(task).most_common(1)[0][0], dict(d)[1], list(q), len(OrderedDict())]",
        ["t", [1], [1, 2], 0],
    ),
    "dataclasses": (
        "from dataclasses import dataclass, field, asdict\n"
        "@dataclass(order=True, frozen=True, slots=True)\n"
        "class Item:\n    cost: float\n    name: str = field(compare=False, default='x')\n"
        "def solver(agent, task): return asdict(min(Item(2.0), Item(1.0, 'y')))",
        {"cost": 1.0, "name": "y"},
    ),
    "match": (
        "def kind(x):\n    match x:\n        case {'a': [first, *_]}: return first\n"
        "        case int() | float(): return 'number'\n        case _: return 'other'\n"
        "def solver(agent, task): return [kind({'a': [7, 8]}), kind(2.5), kind(task)]",
        [7, "number", "other"],
    ),
    "decimal and fractions": (
        "from decimal import Decimal, getcontext, ROUND_HALF_UP\nfrom fractions import Fraction\n"
        "def solver(agent, task):\n    getcontext().prec = 30\n"
        "    d = Decimal('2.675').quantize(Decimal('0.01'), ROUND_HALF_UP)\n"
        "    return [str(d), str(Fraction(1, 3) + Fraction(1, 6))]",
        ["2.68", "1/2"],
    ),
    "statistics": (
        "import statistics\ndef solver(agent, task):\n"
        "    return [statistics.mode('aab'), statistics.median([3, 1, 2])]",
        ["a", 2],
    ),
    "json": (
        "import json\ndef solver(agent, task):\n"
        "    return json.loads(json.dumps({'a': [1, None, True]}, indent=2))['a']",
        [1, None, True],
    ),
    "datetime": (
        "from datetime import datetime, timedelta, timezone\ndef solver(agent, task):\n"
        "    d = datetime.strptime('2024-02-28', '%Y-%m-%d') + timedelta(days=2)\n"
        "    return [d.strftime('%d %B %Y'), datetime.now(timezone.utc).year >= 2024]",
        ["01 March 2024", True],
    ),
    "itertools": (
        "import itertools, functools, operator\ndef solver(agent, task):\n"
        "    pairs = list(itertools.combinations('abc', 2))\n"
        "    return [len(pairs), functools.reduce(operator.mul, range(1, 6))]",
        [3, 120],
    ),
    "thread pool": (
        "from concurrent.futures import ThreadPoolExecutor, as_completed\n"
        "def solver(agent, task):\n    with ThreadPoolExecutor(max_workers=10) as pool:\n"
        "        futures = [pool.submit(agent.ask, str(i)) for i in range(20)]\n"
        "        return sorted(int(f.result()) for f in as_completed(futures))",
        list(range(20)),
    ),
    "threads": (
        "import threading, queue\ndef solver(agent, task):\n    q = queue.Queue()\n"
        "    ts = [threading.Thread(target=lambda i=i: q.put(agent.ask(i))) for i in range(4)]\n"
        "    [t.start() for t in ts]; [t.join() for t in ts]\n"
        "    return sorted(q.get() for _ in ts)",
        [0, 1, 2, 3],
    ),
    "asyncio": (
        "import asyncio\nasync def one(agent, i):\n    await asyncio.sleep(0.001)\n"
        "    return await asyncio.to_thread(agent.ask, i)\n"
        "async def main(agent):\n"
        "    return await asyncio.gather(*(one(agent, i) for i in range(5)))\n"
        "def solver(agent, task): return asyncio.run(main(agent))",
        [0, 1, 2, 3, 4],
    ),
    "asyncio with a time limit": (
        "import asyncio\nasync def main():\n    try:\n"
        "        await asyncio.wait_for(asyncio.sleep(5), 0.01)\n"
        "    except asyncio.TimeoutError:\n        return 'late'\n"
        "def solver(agent, task): return asyncio.run(main())",
        "late",
    ),
    "recursion": (
        "from functools import lru_cache\n@lru_cache(maxsize=None)\ndef fib(n):\n"
        "    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
        "def solver(agent, task): return fib(90)",
        2880067194370816120,
    ),
    "generators": (
        "def primes():\n    found = []\n    n = 2\n    while True:\n"
        "        if all(n % p for p in found):\n            found.append(n)\n            yield n\n"
        "        n += 1\n"
        "def solver(agent, task):\n    g = primes()\n    return [next(g) for _ in range(6)]",
        [2, 3, 5, 7, 11, 13],
    ),
    "classes": (
        "from abc import ABC, abstractmethod\nclass Shape(ABC):\n    @abstractmethod\n"
        "    def area(self): ...\n    def __lt__(self, other): return self.area() < other.area()\n"
        "class Square(Shape):\n    def __init__(self, a): self.a = a\n"
        "    def area(self): return self.a ** 2\n"
        "def solver(agent, task): return sorted([Square(3), Square(1)])[0].area()",
        1,
    ),
    "sqlite in memory": (
        "import sqlite3\ndef solver(agent, task):\n    c = sqlite3.connect(':memory:')\n"
        "    c.execute('create table t (x int)')\n"
        "    c.executemany('insert into t values (?)', [(i,) for i in range(10)])\n"
        "    return c.execute('select sum(x) from t where x > 5').fetchone()[0]",
        30,
    ),
    "helpers at module level": (
        "import math\nTABLE = {n: n * n for n in range(5)}\ndef helper(n): return TABLE[n]\n"
        "def solver(agent, task): return helper(3) + math.gcd(12, 18)",
        15,
    ),
    "annotations": (
        "from __future__ import annotations\nfrom typing import Any, Optional, TypedDict\n"
        "class Reply(TypedDict):\n    answer: Optional[str]\n"
        "def solver(agent: Any, task: str) -> Reply | None: return {'answer': task[:3]}",
        {"answer": "the"},
    ),
    "f-strings": (
        "def solver(agent, task):\n    x = 1234.5678\n    return f'{x:,.2f} {x!r:>12} {task!s:.9}'",
        "1,234.57    1234.5678 the other",
    ),
    "printing": (
        "import sys, pprint\ndef solver(agent, task):\n    print('a', 'b', sep='-', flush=True)\n"
        "    print('oops', file=sys.stderr)\n    pprint.pprint({'a': 1})\n    return 1",
        1,
    ),
    "captured output": (
        "import io, contextlib\ndef solver(agent, task):\n    out = io.StringIO()\n"
        "    with contextlib.redirect_stdout(out): print(42)\n    return out.getvalue()",
        "42\n",
    ),
    "exec of generated code": (
        "def solver(agent, task):\n    space = {}\n"
        "    exec('def f(x):\\n    return x + 1', space)\n    return eval('f(2)', space)",
        3,
    ),
    "parsing code": (
        "import ast\ndef solver(agent, task):\n"
        "    tree = ast.parse('a = 1 + 2')\n    return ast.unparse(tree.body[0].value)",
        "1 + 2",
    ),
    "retries": (
        "import time, random\ndef solver(agent, task):\n    for attempt in range(3):\n"
        "        try:\n            if attempt < 2: raise ValueError(attempt)\n"
        "            return attempt\n        except ValueError:\n"
        "            time.sleep(0.001 * random.random())",
        2,
    ),
    "time limit of one's own by alarm": (
        "import signal\ndef late(*_): raise TimeoutError\ndef solver(agent, task):\n"
        "    signal.signal(signal.SIGALRM, late)\n    signal.setitimer(signal.ITIMER_REAL, 0.02)\n"
        "    try:\n        while True: sum(range(99))\n"
        "    except TimeoutError:\n        return 'late'",
        "late",
    ),
    "enum, heapq, bisect, string": (
        "import enum, heapq, bisect, string\nclass C(enum.Enum):\n    A = 1\n"
        "def solver(agent, task):\n    return [C.A.name, heapq.nsmallest(1, [3, 1]), "
        "bisect.bisect([1, 3], 2), string.ascii_lowercase[:2]]",
        ["A", [1], 1, "ab"],
    ),
    "hashes and encodings": (
        "import hashlib, base64, uuid, secrets, zlib\ndef solver(agent, task):\n"
        "    zlib.compress(b'x'); uuid.uuid4(); secrets.token_hex(4)\n"
        "    return [hashlib.sha256(b'').hexdigest()[:6], base64.b64encode(b'hi').decode()]",
        ["e3b0c4", "aGk="],
    ),
    "text": (
        "import textwrap, difflib, unicodedata\ndef solver(agent, task):\n"
        "    close = difflib.get_close_matches('appel', ['ape', 'apple'])[0]\n"
        "    return [textwrap.shorten(task, 12), close, unicodedata.normalize('NFKD', 'é')[0]]",
        ["the [...]", "apple", "e"],
    ),
    "logging": (
        "import logging, warnings\nlogging.basicConfig(level=logging.INFO)\n"
        "def solver(agent, task):\n    logging.info('working')\n    warnings.warn('careful')\n"
        "    return 1",
        1,
    ),
    "voting": (
        "from collections import Counter\ndef solver(agent, task):\n"
        "    answers = [agent.ask(str(i % 2)) for i in range(5)]\n"
        "    return {'answer': Counter(answers).most_common(1)[0][0]}",
        {"answer": "0"},
    ),
    "a module that is not there": (
        "def solver(agent, task):\n    try:\n        import pandas\n"
        "    except ImportError as error:\n        return str(error)",
        "No module named 'pandas'",
    ),
    "a file that may not be read": (
        "def solver(agent, task):\n    try:\n        return open('data.txt').read()\n"
        "    except OSError as error:\n        return type(error).__name__",
        "PermissionError",
    ),
}
TASK = "the other or two cats"


async def echo(method: str, arguments: Mapping[str, JSON]) -> JSON:
    return arguments["question"]


def test_ordinary_programs_run_unchanged() -> None:
    assert len(PROGRAMS) >= 25
    found = asyncio.run(run_all({name: source for name, (source, _) in PROGRAMS.items()}))
    assert found == {name: value for name, (_, value) in PROGRAMS.items()}


def test_numpy_runs_where_it_is_installed() -> None:
    pytest.importorskip("numpy")
    source = (
        "import numpy as np\ndef solver(agent, task):\n"
        "    a = np.array([[2.0, 0], [0, 4]])\n    rng = np.random.default_rng(0)\n"
        "    mean = np.mean(rng.normal(size=9)) < 9\n"
        "    return {'answer': round(float(np.linalg.det(a)), 6), 'mean': mean}"
    )
    assert asyncio.run(run_all({"numpy": source})) == {"numpy": {"answer": 8.0, "mean": True}}


async def run_all(sources: dict[str, str]) -> dict[str, object]:
    sandbox = PythonSandbox(PRELUDE, profile=Profile.NOFS)
    try:
        found: dict[str, object] = {}
        for name, source in sources.items():
            result = await sandbox.run(Job(source, arguments={"task": TASK}), echo)
            found[name] = result.value if result.ending is Ending.RETURNED else result.trouble
        return found
    finally:
        await sandbox.aclose()
