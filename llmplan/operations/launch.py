"""The command that starts one replica in each engine, with every flag computed from the plan.

Flags as the engines document them: docs/operations.md cites each page.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from llmplan.errors import UnknownNameError
from llmplan.operations.checkpoints import MODELOPT, OLLAMA, Checkpoint, checkpoint
from llmplan.operations.monitoring import thresholds
from llmplan.operations.plan import ServingPlan

FP8_KV_BYTES: Final = 1.0
DTYPES: Final = {"bf16": "bfloat16", "fp16": "float16"}


@dataclass(frozen=True)
class LaunchCommand:
    """One replica's start.

    Attributes
    ----------
    engine_id: engine that it starts.
    environment: variables to set.
    before: a command to run first, such as a download; empty: none.
    argv: the command.
    port: where it answers.
    served_name: the model's name in requests to it.
    notes: what to know, one sentence each.
    """

    engine_id: str
    environment: tuple[tuple[str, str], ...]
    before: tuple[str, ...]
    argv: tuple[str, ...]
    port: int
    served_name: str
    notes: tuple[str, ...]

    def script(self) -> str:
        """Return a bash script, one flag a line."""
        lines = [
            "#!/usr/bin/env bash",
            "set -euo pipefail",
            *(f"# {' '.join(note.split())}" for note in self.notes),
        ]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in self.environment]
        if self.before:
            lines.append(shlex.join(self.before))
        return (
            "\n".join([*lines, " \\\n  ".join(["exec " + shlex.join(_head(self.argv)), *_flags(self.argv)])])
            + "\n"
        )


def launch_command(plan: ServingPlan, engine_id: str | None = None) -> LaunchCommand:
    """Return the command that serves the plan's model in `engine_id`, by default the plan's own engine.

    Raises UnknownNameError for an engine without a launcher.
    """
    engine = plan.engine_id if engine_id is None else engine_id
    if engine not in LAUNCHERS:
        raise UnknownNameError("engine", engine, LAUNCHERS)
    return LAUNCHERS[engine](plan)


def _step_tokens(plan: ServingPlan, flag: str) -> list[str]:
    """Return an engine's flag for the prompt tokens of a step, where the plan sets them."""
    tokens = plan.settings.max_batched_tokens
    return [] if tokens is None else [flag, f"{tokens:.0f}"]


def _degrees(plan: ServingPlan, tensor: str, pipeline: str, data: str, expert: Sequence[str]) -> list[str]:
    """Return an engine's flags for the parallel degrees, those of 1 left out but for the tensor's.

    data: of an engine that counts copies beside tensor ranks; "" of one whose tensor ranks hold the copies.
    """
    asked = plan.settings
    words = [tensor, str(plan.tensor_parallel * (1 if data else asked.data_parallel))]
    words += [pipeline, str(asked.pipeline_parallel)] if asked.pipeline_parallel > 1 else []
    words += [data, str(asked.data_parallel)] if data and asked.data_parallel > 1 else []
    return words + (list(expert) if asked.expert_parallel > 1 else [])


def _adapters(plan: ServingPlan, words: Sequence[str], held: str, rank: str) -> list[str]:
    """Return an engine's flags for LoRA adapters, where the plan has some."""
    asked = plan.settings
    return [*words, held, str(asked.lora_adapters), rank, str(asked.lora_rank)] if asked.lora_adapters else []


def _drafts(plan: ServingPlan) -> list[str]:
    """Return vLLM's flag for speculative decoding, where the plan drafts."""
    if not plan.settings.speculative_tokens:
        return []
    by = {"model": plan.draft_repository} if plan.draft_repository else {"method": "mtp"}
    asked = by | {"num_speculative_tokens": plan.settings.speculative_tokens}
    return ["--speculative-config", json.dumps(asked)]


def _drafts_of_sglang(plan: ServingPlan) -> list[str]:
    """Return SGLang's flags for speculative decoding, where the plan drafts: a chain, no tree."""
    drafted, small = plan.settings.speculative_tokens, plan.draft_repository
    if not drafted:
        return []
    by = ["STANDALONE", "--speculative-draft-model-path", small] if small else ["NEXTN"]
    words = ["--speculative-algorithm", *by, "--speculative-num-steps", str(drafted)]
    return [*words, "--speculative-eagle-topk", "1", "--speculative-num-draft-tokens", str(drafted + 1)]


def _formats(plan: ServingPlan, source: Checkpoint, fp8_cache: str) -> list[str]:
    """Return vLLM's and SGLang's flags for the formats of weights and cache, where they are not the checkpoint's."""
    words = ["--dtype", DTYPES[plan.precision_id]] if plan.precision_id in DTYPES else []
    words += ["--quantization", source.quantise_at_load] if source.quantise_at_load else []
    return words + (["--kv-cache-dtype", fp8_cache] if plan.kv_bytes == FP8_KV_BYTES else [])


def _vllm(plan: ServingPlan) -> LaunchCommand:
    source = checkpoint(plan.repositories, plan.model_id, plan.precision_id)
    argv = ["vllm", "serve", source.repository, "--served-model-name", plan.model_id]
    argv += ["--host", "0.0.0.0", "--port", "8000"]
    argv += _degrees(
        plan,
        "--tensor-parallel-size",
        "--pipeline-parallel-size",
        "--data-parallel-size",
        ["--enable-expert-parallel"],
    )
    argv += _adapters(plan, ["--enable-lora"], "--max-loras", "--max-lora-rank")
    argv += ["--max-model-len", str(plan.context_tokens)]
    argv += ["--max-num-seqs", str(plan.concurrency)]
    argv += ["--gpu-memory-utilization", f"{plan.memory_shares['vllm']:g}"]
    argv += _step_tokens(plan, "--max-num-batched-tokens")
    argv += _drafts(plan)
    argv += _formats(plan, source, "fp8")
    return LaunchCommand("vllm", (), (), tuple(argv), 8000, plan.model_id, _notes(plan, "vllm", source))


def _sglang(plan: ServingPlan) -> LaunchCommand:
    source = checkpoint(plan.repositories, plan.model_id, plan.precision_id)
    argv = ["python3", "-m", "sglang.launch_server", "--model-path", source.repository]
    argv += ["--served-model-name", plan.model_id, "--host", "0.0.0.0", "--port", "30000"]
    expert = str(plan.settings.expert_parallel)
    copies = plan.settings.data_parallel
    argv += _degrees(plan, "--tp-size", "--pp-size", "", ["--ep-size", expert])
    argv += ["--dp-size", str(copies), "--enable-dp-attention"] if copies > 1 else []
    argv += _adapters(plan, ["--enable-lora"], "--max-loras-per-batch", "--max-lora-rank")
    argv += ["--context-length", str(plan.context_tokens)]
    argv += ["--max-running-requests", str(plan.concurrency)]
    argv += ["--mem-fraction-static", f"{plan.memory_shares['sglang']:g}"]
    argv += _step_tokens(plan, "--chunked-prefill-size")
    argv += _drafts_of_sglang(plan)
    argv += _formats(plan, source, "fp8_e4m3")
    argv += ["--enable-metrics"]
    return LaunchCommand("sglang", (), (), tuple(argv), 30000, plan.model_id, _notes(plan, "sglang", source))


def _trtllm(plan: ServingPlan) -> LaunchCommand:
    source = checkpoint(plan.repositories, plan.model_id, plan.precision_id, MODELOPT)
    argv = ["trtllm-serve", source.repository, "--host", "0.0.0.0", "--port", "8000"]
    expert = str(plan.settings.expert_parallel)
    argv += _degrees(plan, "--tp_size", "--pp_size", "", ["--ep_size", expert])
    argv += ["--max_batch_size", str(plan.concurrency)]
    argv += ["--max_seq_len", str(plan.context_tokens)]
    argv += ["--kv_cache_free_gpu_memory_fraction", f"{plan.memory_shares['tensorrt-llm']:g}"]
    argv += _step_tokens(plan, "--max_num_tokens")
    notes = _notes(plan, "tensorrt-llm", source)
    if plan.settings.data_parallel > 1:
        notes += ("Set enable_attention_dp: true in the file of --extra_llm_api_options.",)
    if source.quantise_at_load:
        notes += (
            "Quantise the checkpoint to FP8 first (TensorRT Model Optimizer); this name is the 16-bit one.",
        )
    name = source.repository if source.published else source.repository.rpartition("/")[2]
    return LaunchCommand("tensorrt-llm", (), (), tuple(argv), 8000, name, notes)


def _tgi(plan: ServingPlan) -> LaunchCommand:
    source = checkpoint(plan.repositories, plan.model_id, plan.precision_id)
    queue = max(1, round(thresholds(plan).queue_requests))
    answer = max(1, min(plan.context_tokens - 1, round(4 * plan.output_tokens)))
    budget = max(plan.context_tokens, min(plan.concurrency * plan.context_tokens, plan.kv_room_tokens))
    argv = ["text-generation-launcher", "--model-id", source.repository]
    argv += ["--hostname", "0.0.0.0", "--port", "8080"]
    argv += ["--num-shard", str(plan.n_gpus)]
    argv += ["--max-total-tokens", str(plan.context_tokens)]
    argv += ["--max-input-tokens", str(plan.context_tokens - answer)]
    argv += ["--max-batch-total-tokens", str(budget)]
    argv += ["--max-concurrent-requests", str(plan.concurrency + queue)]
    argv += ["--cuda-memory-fraction", f"{plan.memory_shares['tgi']:g}"]
    argv += _step_tokens(plan, "--max-batch-prefill-tokens")
    if source.quantise_at_load:
        argv += ["--quantize", source.quantise_at_load]
    elif plan.precision_id in ("bf16", "fp16"):
        argv += ["--dtype", "bfloat16" if plan.precision_id == "bf16" else "float16"]
    if plan.kv_bytes == FP8_KV_BYTES:
        argv += ["--kv-cache-dtype", "fp8_e4m3fn"]
    notes = (*_notes(plan, "tgi", source), "TGI has been in maintenance mode since December 2025.")
    return LaunchCommand("tgi", (), (), tuple(argv), 8080, plan.model_id, notes)


def _ollama(plan: ServingPlan) -> LaunchCommand:
    source = checkpoint(plan.repositories, plan.model_id, plan.precision_id, OLLAMA)
    environment = [
        ("OLLAMA_HOST", "0.0.0.0:11434"),
        ("OLLAMA_NUM_PARALLEL", str(plan.concurrency)),
        ("OLLAMA_CONTEXT_LENGTH", str(plan.context_tokens)),
        ("OLLAMA_MAX_QUEUE", str(max(1, round(thresholds(plan).queue_requests)))),
        ("OLLAMA_MAX_LOADED_MODELS", "1"),
        ("OLLAMA_KEEP_ALIVE", "-1"),
        ("OLLAMA_FLASH_ATTENTION", "1"),
        ("OLLAMA_KV_CACHE_TYPE", "q8_0" if plan.kv_bytes == FP8_KV_BYTES else "f16"),
    ]
    if plan.n_gpus > 1:
        environment.append(("OLLAMA_SCHED_SPREAD", "1"))
    load = f"Then load the model once: ollama pull {source.repository}"
    if not source.published:
        load = f"Then create the model from a GGUF file: ollama create {plan.model_id} -f Modelfile"
    notes = (
        *_notes(plan, "ollama"),
        load,
        "Ollama has no /metrics endpoint: watch it through the gateway and the GPU exporter.",
    )
    name = source.repository if source.published else plan.model_id
    return LaunchCommand("ollama", tuple(environment), (), ("ollama", "serve"), 11434, name, notes)


LAUNCHERS: Final[dict[str, Callable[[ServingPlan], LaunchCommand]]] = {
    "vllm": _vllm,
    "sglang": _sglang,
    "tensorrt-llm": _trtllm,
    "tgi": _tgi,
    "ollama": _ollama,
}


def _notes(plan: ServingPlan, engine_id: str, source: Checkpoint | None = None) -> tuple[str, ...]:
    notes = [
        f"One replica: {plan.model_id} {plan.precision_id} on {plan.n_gpus} x {plan.gpu_id}; "
        f"the fleet has {plan.replicas} at its peak.",
        f"At most {plan.concurrency} sequences at once keep the latency targets; "
        f"the KV cache holds {plan.max_concurrent_sequences}.",
    ]
    if plan.settings.speculative_tokens:
        drafted = f"The plan drafts {plan.settings.speculative_tokens} tokens a step"
        by = plan.draft_repository or "the model's own MTP module, or an EAGLE head that you name instead"
        notes.append(f"{drafted} with {by}: compare with it off at your load.")
    if engine_id != plan.engine_id:
        notes.append(f"The plan was sized for {plan.engine_id}: measure before relying on its rates here.")
    if source is not None and not source.published:
        notes.append(
            f"No published checkpoint is known: put one quantised to {plan.precision_id} at this path."
        )
    return tuple(notes)


def _head(argv: tuple[str, ...]) -> tuple[str, ...]:
    """The words before the first flag (a lone dash and a letter belongs to them: python3 -m)."""
    first = next((i for i, word in enumerate(argv) if word.startswith("--")), len(argv))
    return argv[:first]


def _flags(argv: tuple[str, ...]) -> list[str]:
    words = list(argv[len(_head(argv)) :])
    lines: list[list[str]] = []
    for word in words:
        if word.startswith("--"):
            lines.append([word])
        else:
            lines[-1].append(word)
    return [shlex.join(line) for line in lines]
