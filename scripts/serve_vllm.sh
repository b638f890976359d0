#!/usr/bin/env bash
# Serve a meta-agent with vLLM, in an environment of its own: vLLM pins another torch than the
# trainer.
#
#     scripts/serve_vllm.sh MODEL [NAME=ADAPTER…]
#
# MODEL is a folder (RUN/model of w4s train) or a name on the hub; each NAME=ADAPTER adds the
# adapter in a folder (RUN/adapter) under a name of its own. Give every version a new name: the
# server keeps states of prompts by the name of the adapter, and would answer a new version with
# those of the old. Then: --meta-agent openai:NAME@http://localhost:8001/v1
#
# PORT (8001), VENV (.venv-vllm), VLLM (the version to install), RANK (64, of the adapters) and ARGS
# (more arguments of `vllm serve`) are read from the environment.
set -euo pipefail
model=${1:?which model? a folder or a name on the hub}
shift
port=${PORT:-8001} venv=${VENV:-.venv-vllm}

if [ ! -x "$venv/bin/vllm" ]; then
    "${PYTHON:-python3}" -m venv "$venv"
    "$venv/bin/pip" install --quiet "vllm${VLLM:+==$VLLM}"
fi

arguments=(--port "$port" --served-model-name "$model")
# A folder gets a name too, by its digest: another model under the same path is another name.
if [ -d "$model" ]; then
    digest=$(cat "$model"/*.safetensors | sha256sum | cut -c1-8)
    name="$(basename "$(dirname "$(realpath "$model")")")-$digest"
    arguments=(--port "$port" --served-model-name "$name")
    echo "serving $model as openai:$name@http://localhost:$port/v1" >&2
fi
for adapter in "$@"; do
    [ -f "${adapter#*=}/adapter_config.json" ] || {
        echo "${adapter#*=} holds no adapter; write NAME=RUN/adapter" >&2
        exit 2
    }
done
if [ $# -gt 0 ]; then
    arguments+=(--enable-lora --max-lora-rank "${RANK:-64}" --max-loras "$#" --lora-modules "$@")
fi
# shellcheck disable=SC2086
exec "$venv/bin/vllm" serve "$model" "${arguments[@]}" ${ARGS:-}
