"""The settings of each command: one frozen record, all defaults in sight.

In: what `settings` has read. Out: the record of a command. Secrets never stand here: a setting
names the environment variable that holds one. Each field says what it does and when to turn it;
the command line makes its options from that.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from w4s.settings import (
    FREE,
    RUN_FOLDER,
    Asked,
    Count,
    Dollars,
    Prices,
    Record,
    Seed,
    Share,
    Size,
    Tracking,
    VariableName,
)


class Format(StrEnum):
    """How a report is written."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    JSON = "json"


def _asked_run(command: str) -> Asked:
    return Asked(f"which run? {command}, where RUN is the folder of a search")


class Limits(Record):
    """What a command may use; shared by those that call models."""

    max_usd: Annotated[Dollars | None, FREE] = Field(
        default=None,
        description="Stop before more dollars than this are spent, earlier sessions included.",
    )
    max_calls: Annotated[int | None, FREE] = Field(
        default=None,
        ge=0,
        description="Stop before more calls than this are made, earlier ones included.",
    )
    max_tokens: Annotated[int | None, FREE] = Field(
        default=None, ge=0, description="Stop before more tokens than this are used, in and out."
    )
    max_minutes: Annotated[float | None, FREE] = Field(
        default=None, gt=0, description="Stop after this long; the same command then goes on."
    )
    concurrency: Annotated[Count, FREE] = Field(
        default=1024,
        description="Solver calls at a time. Lower it for a machine with little memory.",
    )
    key_env: Annotated[VariableName, FREE] = Field(
        default="OPENAI_API_KEY", description="Environment variable with the meta-agent's API key."
    )
    executor_key_env: Annotated[VariableName, FREE] = Field(
        default="OPENAI_API_KEY", description="Environment variable with the executor's API key."
    )


class Setup(Limits):
    """The models, the sandbox and what they are allowed; shared by search and collection."""

    executor: str = Field(
        default="simulated",
        description="Model that the workflows call: simulated, openai:MODEL[@BASE_URL], …",
    )
    meta_agent: str = Field(
        default="grammar",
        description="Model that writes the workflows: grammar, scripted:FILE, small[:CHECKPOINT],"
        " local:CHECKPOINT, openai:MODEL[@BASE_URL], …",
    )
    seed: Seed = Field(default=0, description="Another seed is an independent repetition.")
    temperature: float = Field(
        default=0.5,
        ge=0,
        le=2,
        description="Of the meta-agent. Raise it when candidates look alike.",
    )
    reply_tokens: Count = Field(
        default=4096,
        description="Longest reply of the meta-agent. Raise it when workflows are cut off.",
    )
    executor_tokens: Count = Field(
        default=4096, description="Longest reply of the executor, whatever a workflow asks for."
    )
    solver_calls: Count = Field(
        default=50,
        description="Most model calls of one solver call. Lower it to forbid dear workflows.",
    )
    solver_seconds: float = Field(
        default=20.0,
        gt=0,
        description="A solver call's own time; waiting for the model is not counted.",
    )
    sandbox: Literal["walls", "bwrap", "unsafe"] = Field(
        default="walls",
        description="What holds generated code: walls, bwrap (one wall more, where bubblewrap is"
        " installed), unsafe (none: the code may read and change whatever you may).",
    )
    sandbox_profile: Literal["nofs", "scratch"] = Field(
        default="nofs",
        description="What generated code may touch: nofs (no files), or scratch (a private folder)"
        " for workflows that need one.",
    )
    isolation: Literal["per_call", "batch"] = Field(
        default="per_call",
        description="per_call: a process for each solver call; batch: one for each workflow, much"
        " cheaper, and state may leak between its problems.",
    )
    unscored_limit: Share = Field(
        default=0.05,
        description="Share of problems that faults of the provider may leave unscored. Raise it"
        " only to look at a run on a bad line: its accuracies are less sure.",
    )
    split: Literal["default", "paper"] = Field(
        default="default", description="default, or paper: the published sets, overlaps and all."
    )
    prices: Annotated[Prices, FREE] = Field(
        default_factory=dict,
        description="Dollars per million tokens in and out of a model, as MODEL=0.15/0.60; wins"
        " over the price table.",
    )
    track: Annotated[Tracking, FREE] = Field(
        default=(),
        description="Show the numbers of the run elsewhere too: tensorboard, trackio, wandb or"
        " mlflow; each is an extra of that name. Its own files are whole without.",
    )


class SearchConfig(Setup):
    """`w4s search`."""

    task: Annotated[str, Asked("which task? w4s search TASK --run FOLDER")] = Field(
        description="Task to search on: a name (`w4s tasks`) or your own file."
    )
    run: Annotated[Path, FREE, RUN_FOLDER] = Field(
        description="Folder of the run. The same command on the same folder goes on."
    )
    method: str = Field(
        default="w4s",
        description="How to search: w4s, or random, adas, aflow, gepa to compare it with.",
    )
    turns: Annotated[Count | None, FREE] = Field(
        default=None,
        description="Turns of the search. More helps until nothing rises, and a finished run goes"
        " on when this is raised; default: as the method was published (w4s: 10).",
    )
    samples: Count | None = Field(
        default=None,
        description="Candidates a turn. More explores wider, at a price in proportion; default:"
        " as the method was published (w4s: 5).",
    )
    trials: Count | None = Field(
        default=None,
        description="Validations of each candidate. More make accuracies surer where the executor"
        " varies, at a price in proportion; default: as the method was published (w4s: 1).",
    )
    racing: bool = Field(
        default=False,
        description="Stop candidates of a turn that can no longer win. Turn it on to save calls;"
        " the accuracies of the stopped ones are rough.",
    )
    parent: Literal["last", "best"] = Field(
        default="last",
        description="Which workflow a rebuilt conversation starts from: the last one that advanced,"
        " as published, or the best so far, which leaves a turn that went wrong behind.",
    )
    finalists: int = Field(
        default=0,
        ge=0,
        description="Measure so many of the best again at the end, with fresh draws, and choose by"
        " both measurements; 0, as published: the best validation counts. Turn it on where"
        " candidates are many and problems few, because then the best is partly luck.",
    )
    choice: Literal["accuracy", "economical"] = Field(
        default="accuracy",
        description="How to choose among the finalists: the most accurate, or the cheapest of those"
        " within one standard error of it.",
    )
    economy: bool = Field(
        default=False,
        description="The economical mode, all in one: racing, parent=best, three finalists and"
        " choice=economical.",
    )
    private: Size | None = Field(
        default=None,
        description="Private validation problems. More make accuracies surer and cost more;"
        " default: the task's own number.",
    )
    public: Size | None = Field(
        default=None,
        description="Public problems, which feedback may quote; default: the task's own.",
    )
    test: Size | None = Field(
        default=None, description="Sealed test problems; default: the task's own number."
    )


class CollectConfig(Setup):
    """`w4s collect`."""

    tasks: Annotated[tuple[str, ...], Asked("which tasks? w4s collect TASK… --run FOLDER")] = Field(
        description="Tasks to play episodes on: names (`w4s tasks`) or your own files.",
        min_length=1,
    )
    run: Annotated[Path, FREE, RUN_FOLDER] = Field(
        description="Folder of the episodes. The same command on the same folder goes on."
    )
    episodes: Annotated[Count, FREE] = Field(
        default=32,
        description="Episodes of each task. More teach more, at a price in proportion; a finished"
        " collection goes on when this is raised.",
    )
    turns: Count = Field(
        default=2, description="Turns of an episode. More cost more, and make longer examples."
    )
    samples: Count = Field(
        default=5, description="Candidates a turn; every one that runs becomes an example."
    )
    trials: Count = Field(
        default=1, description="Validations of each candidate. More make rewards surer."
    )
    side_by_side: Annotated[Count, FREE] = Field(
        default=8, description="Episodes at a time. More are faster where models are waited for."
    )
    private: Count = Field(
        default=128,
        description="Training problems that an episode's accuracies are measured on. Fewer are"
        " cheaper, and make rewards noisier.",
    )
    public: Count = Field(
        default=10, description="Training problems that an episode's feedback may quote."
    )
    reward: Literal["discrete", "margin", "continuous", "advantage"] = Field(
        default="discrete",
        description="What an action earns: discrete (1, 0.5 or 0, as published), margin (the same,"
        " where gains within the noise earn nothing), continuous (the gain over the best so far) or"
        " advantage (over the turn's mean). w4s dataset can change it afterwards.",
    )
    noise: float = Field(default=0.02, ge=0, description="What reward=margin takes for noise.")


class TasksConfig(Limits):
    """`w4s tasks`. All but the name, the split and the file options are for --headroom."""

    name: str | None = Field(default=None, description="Show this one: a name or a file.")
    new: str | None = Field(default=None, description="Write a Python file for a task of yours.")
    check: str | None = Field(
        default=None, description="Look for faults that would spoil a search."
    )
    headroom: bool = Field(
        default=False,
        description="Run the plain workflows on the validation set, and say whether there is room"
        " for a search to improve on them.",
    )
    split: Literal["default", "paper"] = Field(
        default="default", description="default, or paper: the published sets, and what they share."
    )
    run: Path | None = Field(
        default=None, description="Folder of the headroom run; default: runs/headroom-NAME."
    )
    executor: str = Field(
        default="simulated", description="Model that the workflows call, named as for w4s search."
    )
    seed: Seed = Field(default=0, description="Another seed is an independent repetition.")
    private: Count | None = Field(
        default=None, description="Validation problems; default: the task's own number."
    )
    prices: Prices = Field(default_factory=dict, description="As for w4s search: MODEL=0.15/0.60.")


class EvaluateConfig(Limits):
    """`w4s evaluate`."""

    task: Annotated[str, Asked("which task? w4s evaluate TASK --workflow FILE")] = Field(
        description="Task to measure on: a name (`w4s tasks`) or your own file."
    )
    workflow: Annotated[str, Asked("which workflow? add --workflow FILE, or a baseline")] = Field(
        description="What to measure: a file, or the name of a baseline."
    )
    run: Path | None = Field(
        default=None, description="Folder of its calls; default: runs/evaluate-TASK."
    )
    executor: str = Field(
        default="simulated", description="Model that the workflow calls, named as for w4s search."
    )
    seed: Seed = Field(default=0, description="Another seed is an independent repetition.")
    split: Literal["default", "paper"] = Field(
        default="default", description="default, or paper: the published sets, overlaps and all."
    )
    private: Count | None = Field(
        default=None, description="Validation problems; default: the task's own number."
    )
    prices: Prices = Field(default_factory=dict, description="As for w4s search: MODEL=0.15/0.60.")


class TestConfig(Limits):
    """`w4s test`. Task, executor and seed are those of the run."""

    __test__: ClassVar[bool] = False  # not a test class, whatever pytest thinks of its name

    run: Annotated[Path, _asked_run("w4s test RUN")] = Field(description="Folder of a search.")
    workflow: str | None = Field(
        default=None, description="A file, or the name of a baseline; default: the best of the run."
    )
    baselines: bool = Field(default=False, description="Test the example workflows too.")
    track: Tracking | None = Field(
        default=None, description="As for w4s search; default: as the search was tracked."
    )


class CompareConfig(Record):
    """`w4s compare`: contestants by tasks by seeds."""

    run: Annotated[Path, Asked("where to? add run=FOLDER")] = Field(
        description="Folder of the comparison; the same command goes on in it."
    )
    tasks: Annotated[
        tuple[str, ...], Asked('which tasks? name at least one: tasks = ["toy_ledger"]')
    ] = Field(description="Tasks to compare on.", min_length=1)
    methods: tuple[str, ...] = Field(
        default=("w4s", "random", "adas", "aflow"), description="Ways to search, each as published."
    )
    baselines: tuple[str, ...] = Field(
        default=("direct", "chain_of_thought", "self_consistency"),
        description="Hand-made workflows to test beside them; programming tasks take their twins.",
    )
    contestants: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Further contestants by name: settings of a search that differ, such as"
        " economy=true or another meta_agent; with workflow=NAME, a workflow to test as it is.",
    )
    search: dict[str, Any] = Field(
        default_factory=dict, description="Settings of every search and test: executor, sizes, …"
    )
    reference: str | None = Field(
        default=None,
        description="The contestant that the others are compared with; default: the first.",
    )
    seeds: Count = Field(
        default=5,
        description="Independent repetitions. One speaks of workflows, several of methods.",
    )
    first_seed: Seed = Field(default=0, description="Number of the first seed.")
    each_usd: Dollars | None = Field(
        default=None,
        description="The same budget for every search, in dollars; turns are then unlimited.",
    )
    each_calls: Count | None = Field(
        default=None, description="The same budget for every search, in model calls."
    )
    each_tokens: Count | None = Field(
        default=None, description="The same budget for every search, in tokens."
    )
    jobs: Count = Field(
        default=1,
        description="Contests at a time, each in a process of its own. More help where a provider"
        " is waited for, up to its rate limit; on a small machine they only share it.",
    )
    volumes: tuple[Count, ...] = Field(
        default=(1_000, 100_000),
        description="Numbers of answers to spread the price of a search over.",
    )


class ReportConfig(Record):
    """`w4s report`."""

    runs: Annotated[tuple[Path, ...], _asked_run("w4s report RUN")] = Field(
        description="Folders of searches; several stand side by side.", min_length=1
    )
    format: Format = Field(default=Format.TERMINAL, description="terminal, markdown or json.")
    html: Path | None = Field(
        default=None, description="Write the full report to this file, to open in a browser."
    )


class WatchConfig(Record):
    """`w4s watch`."""

    run: Annotated[Path, _asked_run("w4s watch RUN")] = Field(
        description="Folder of a search, under way or not."
    )
    once: bool = Field(default=False, description="Show how it stands now, and end.")
    every: float = Field(default=1.0, gt=0, description="Seconds between two looks at the folder.")


class Estimating(Record):
    """What all estimates share."""

    like: Path | None = Field(
        default=None,
        description="An earlier run to go by: what it measured takes the place of assumptions.",
    )
    as_json: bool = Field(default=False, description="Print JSON, for programs.")


class EstimateSearchConfig(Estimating, SearchConfig):
    """`w4s estimate search`: as `w4s search`, and what to go by."""

    task: Annotated[str, Asked("which task? w4s estimate search TASK")] = Field(
        description="Task to search on: a name (`w4s tasks`) or your own file."
    )
    run: Annotated[Path, FREE] = Field(
        default=Path("runs/estimate"),
        description="Folder that the search is going to have. Where it is named, an estimate that"
        " goes by measurements is kept there, for the report.",
    )
    probe: Count | None = Field(
        default=None,
        description="Measure first: one turn of the search on so many problems, which is paid for"
        " as the search will be.",
    )

    @property
    def search(self) -> SearchConfig:
        """The settings of the search itself."""
        return SearchConfig.resolve({k: getattr(self, k) for k in SearchConfig.model_fields})


class EstimateTestConfig(TestConfig):
    """`w4s estimate test`: as `w4s test`; it goes by what the run has measured."""

    run: Annotated[Path, _asked_run("w4s estimate test RUN")] = Field(
        description="Folder of a search."
    )
    as_json: bool = Field(default=False, description="Print JSON, for programs.")


class EstimateCollectConfig(Estimating, CollectConfig):
    """`w4s estimate collect`: as `w4s collect`, and what to go by."""

    tasks: Annotated[tuple[str, ...], Asked("which tasks? w4s estimate collect TASK…")] = Field(
        description="Tasks to play episodes on: names (`w4s tasks`) or your own files.",
        min_length=1,
    )
    run: Annotated[Path, FREE] = Field(
        default=Path("runs/estimate"), description="Folder that the collection is going to have."
    )


class DoctorConfig(Record):
    """`w4s doctor`."""

    executor: str | None = Field(
        None, description="Also try this endpoint, with a few small calls: openai:MODEL[@BASE_URL]."
    )
    meta_agent: str | None = Field(None, description="And this one, likewise.")
    key_env: VariableName = Field(
        "OPENAI_API_KEY", description="Environment variable with the meta-agent's API key."
    )
    executor_key_env: VariableName = Field(
        "OPENAI_API_KEY", description="Environment variable with the executor's API key."
    )
    as_json: bool = Field(False, description="Print JSON, for programs.")


class ServeSimulatedConfig(Record):
    """`w4s serve-simulated`."""

    tasks: tuple[str, ...] = Field(
        default=(), description="Tasks it can answer; default: all toy tasks."
    )
    profile: str = Field(
        default="",
        description="Which strong model to imitate; default: the simulated executor's own.",
    )
    private: Count | None = Field(
        default=None, description="Private problems, when the client asks for a number of its own."
    )
    public: Count | None = Field(default=None, description="Public problems, likewise.")
    test: Count | None = Field(default=None, description="Test problems, likewise.")
    split: Literal["default", "paper"] = Field(default="default", description="As the client's.")
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one."
    )
    latency_ms: float = Field(
        default=0.0, ge=0, description="Wait before each answer, in milliseconds."
    )
    ms_per_token: float = Field(
        default=0.0, ge=0, description="And as much again for each token of it."
    )
    rate_429: Share = Field(
        default=0.0, description="Share of requests answered with 429, come later."
    )
    rate_500: Share = Field(default=0.0, description="Share of requests answered with 500.")
    rate_dropped: Share = Field(
        default=0.0, description="Share of connections closed without an answer."
    )
    rate_cut: Share = Field(default=0.0, description="Share of answers cut off in the middle.")
    rate_malformed: Share = Field(
        default=0.0, description="Share of answers that are no valid answer."
    )
    retry_after: float = Field(default=1.0, ge=0, description="Seconds that a 429 asks to wait.")
    fault_seed: Seed = Field(default=0, description="Another seed puts the faults elsewhere.")
    lacks: tuple[str, ...] = Field(
        default=(),
        description="Features that it refuses: n, json_mode, seed, max_completion_tokens, …",
    )
    key_env: VariableName | None = Field(
        default=None,
        description="Environment variable with a key that clients must send; default: none.",
    )
