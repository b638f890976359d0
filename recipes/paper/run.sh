#!/usr/bin/env bash
# The paper's experiment, step by step: collect on seen tasks, train, compare on unseen ones.
#
#     recipes/paper/run.sh SETTINGS [STEP…]
#
# SETTINGS is `real`, `simulated`, or a file of your own like real.env. The steps are `estimate`,
# `collect`, `train` and `compare`; without any, the last three in this order. Each goes on where it
# was stopped: give the same command again. What is computed is explained in README.md beside this.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
settings=${1:?which settings? real, simulated, or a file}
shift
[ -f "$settings" ] || settings=$here/$settings.env
# shellcheck source=/dev/null
source "$settings"

w4s=${W4S:-w4s}
runs=${RUNS:-runs/paper-$(basename "$settings" .env)}

# One name for a list that depends on the experiment: `of SEEN math` is $SEEN_math.
of() { local name="$1_$2"; echo "${!name}"; }

collect_command() { # experiment
    # shellcheck disable=SC2046,SC2086
    echo $(of SEEN "$1") --run "$runs/$1/episodes" --executor "$COLLECT_EXECUTOR" \
        --meta-agent "$META" --turns 2 --samples 5 --episodes $(of EPISODES "$1") $COLLECT
}

collect() {
    ready "$META"
    # shellcheck disable=SC2046
    "$w4s" collect $(collect_command "$1")
}

# The same episodes seen in different ways: what is published, and what it is compared with.
dataset_flags() { # version
    case $1 in
        rlao) ;;                                          # every action, exp(reward / 0.4)
        sft) echo --selection best --weighting one ;;     # the best action of each turn
        one) echo --weighting one ;;                      # every action, all alike
        tau*) echo --temperature "0.${1#tau}" ;;          # tau2 is exp(reward / 0.2)
        margin | continuous | advantage) echo --reward "$1" ;;
        top) echo --reward task_advantage --reward-above 0.5 --temperature 0.5 ;; # docs/results.md
        *) echo "unknown version $1" >&2 && exit 2 ;;
    esac
}

train() {
    local version
    for version in $VERSIONS; do
        local at=$runs/$1/$version
        # shellcheck disable=SC2046,SC2086
        "$w4s" dataset "$runs/$1/episodes" --out "$at/examples" --model "$BASE" \
            $(dataset_flags "$version") $DATASET
        # shellcheck disable=SC2086
        ${LAUNCH:-} "$w4s" train "$at/examples" --model "$BASE" --run "$at" $TRAIN
    done
}

compare_file() { # experiment, executor: writes the comparison's settings
    local at version
    at=$runs/$1/compare-$(tr -c 'A-Za-z0-9\n' - <<<"$2")
    mkdir -p "$at"
    {
        echo "run = \"$at\""
        echo "tasks = [$(quoted $(of TESTED "$1"))]"
        echo "methods = [$(quoted $METHODS)]"
        echo "baselines = [$(quoted $BASELINES)]"
        echo "seeds = $SEEDS"
        echo "jobs = $JOBS"
        echo 'reference = "untrained"'
        echo "[search]"
        echo "executor = \"$2\""
        echo "meta_agent = \"$META\""
        echo "$SEARCH"
        echo "[contestants.untrained]"
        echo "method = \"w4s\""
        for version in $VERSIONS; do
            echo "[contestants.$version]"
            echo "meta_agent = \"$(trained "$runs/$1/$version" "$1-$version")\""
        done
        if [ -n "${ALONE:-}" ]; then
            echo "[contestants.meta_agent_alone]"
            echo "workflow = \"direct\""
            echo "executor = \"$META\""
        fi
    } >"$at/settings.toml"
    echo "$at/settings.toml"
}

quoted() {
    local IFS=,
    local words=()
    for word in "$@"; do words+=("\"$word\""); done
    echo "${words[*]}"
}

compare() {
    local executor version
    for version in $VERSIONS; do
        ready "$(trained "$runs/$1/$version" "$1-$version")"
    done
    for executor in $EXECUTORS; do
        "$w4s" compare "$(compare_file "$1" "$executor")"
    done
}

estimate() {
    local executor
    # shellcheck disable=SC2046
    "$w4s" estimate collect $(collect_command "$1")
    for executor in $EXECUTORS; do
        "$w4s" estimate compare "$(compare_file "$1" "$executor")"
    done
}

[ $# -gt 0 ] || set -- collect train compare
for step in "$@"; do
    case $step in
        estimate | collect | train | compare) ;;
        *) echo "unknown step $step: estimate, collect, train, compare" >&2 && exit 2 ;;
    esac
    for experiment in $EXPERIMENTS; do
        echo "== $experiment: $step" >&2
        "$step" "$experiment"
    done
done
