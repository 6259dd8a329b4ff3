import json
import re
import shlex
import subprocess
from dataclasses import replace

import pytest
from plan_sample import SAMPLE, sample

from llmplan.catalog import load_catalog
from llmplan.errors import UnknownNameError
from llmplan.operations import LAUNCHERS, checkpoint, launch_command
from llmplan.operations.checkpoints import repositories_of

DOCUMENTED = {
    "vllm": "--served-model-name --host --port --tensor-parallel-size --max-model-len --max-num-seqs "
    "--gpu-memory-utilization --dtype --quantization --kv-cache-dtype",
    "sglang": "--model-path --served-model-name --host --port --tp-size --context-length "
    "--max-running-requests --mem-fraction-static --dtype --quantization --kv-cache-dtype --enable-metrics",
    "tensorrt-llm": "--host --port --tp_size --max_batch_size --max_seq_len "
    "--kv_cache_free_gpu_memory_fraction",
    "tgi": "--model-id --hostname --port --num-shard --max-total-tokens --max-input-tokens "
    "--max-batch-total-tokens --max-concurrent-requests --cuda-memory-fraction --quantize --dtype "
    "--kv-cache-dtype",
    "ollama": "",
}
"""Flags as the engines' own pages list them; docs/operations.md cites each."""


def flag(command, name):
    return command.argv[command.argv.index(name) + 1]


@pytest.mark.parametrize("engine", LAUNCHERS)
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp8", "w4a16", "w3a16"])
def test_only_documented_flags(engine, precision):
    command = launch_command(sample(precision_id=precision, kv_bytes=1), engine)
    assert {word for word in command.argv if word.startswith("--")} <= set(DOCUMENTED[engine].split())


@pytest.mark.parametrize("engine", LAUNCHERS)
def test_the_script_is_valid_bash_and_says_the_same(engine):
    command = launch_command(SAMPLE, engine)
    script = command.script()
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    start = script[script.index("exec ") + 5 :].replace("\\\n", " ")
    assert tuple(shlex.split(start)) == command.argv
    for name, value in command.environment:
        assert f"export {name}={shlex.quote(value)}\n" in script


def test_flags_follow_from_the_plan():
    vllm = launch_command(SAMPLE)
    assert vllm.argv[:3] == ("vllm", "serve", "RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8")
    assert flag(vllm, "--tensor-parallel-size") == "2"
    assert flag(vllm, "--max-model-len") == "5120"
    assert flag(vllm, "--max-num-seqs") == "64"
    assert flag(vllm, "--gpu-memory-utilization") == "0.92"
    sglang = launch_command(SAMPLE, "sglang")
    assert flag(sglang, "--max-running-requests") == "64" and flag(sglang, "--mem-fraction-static") == "0.86"
    trt = launch_command(SAMPLE, "tensorrt-llm")
    assert flag(trt, "--max_batch_size") == "64" and flag(trt, "--kv_cache_free_gpu_memory_fraction") == "0.9"
    tgi = launch_command(SAMPLE, "tgi")
    # 1.5 s of queue at 4 requests/s beside the batch; four mean answers are kept from the input
    assert flag(tgi, "--max-concurrent-requests") == "70"
    assert flag(tgi, "--max-input-tokens") == str(5_120 - 1_200)
    assert flag(tgi, "--max-batch-total-tokens") == str(80 * 1_300)
    ollama = dict(launch_command(SAMPLE, "ollama").environment)
    assert ollama["OLLAMA_NUM_PARALLEL"] == "64" and ollama["OLLAMA_CONTEXT_LENGTH"] == "5120"
    assert all(re.fullmatch(r"OLLAMA_[A-Z_]+", name) for name in ollama)


def test_formats():
    bf16 = launch_command(sample(precision_id="bf16"))
    assert bf16.argv[2] == "meta-llama/Llama-3.1-70B-Instruct" and flag(bf16, "--dtype") == "bfloat16"
    online = launch_command(sample(model_id="mixtral-8x22b"))
    assert flag(online, "--quantization") == "fp8"
    assert flag(launch_command(sample(kv_bytes=1)), "--kv-cache-dtype") == "fp8"
    assert (
        launch_command(sample(precision_id="w4a16"), "ollama")
        .notes[-2]
        .endswith("llama3.1:70b-instruct-q4_K_M")
    )
    unknown = launch_command(sample(precision_id="w3a16"))
    assert unknown.argv[2] == "/models/llama-3.1-70b-w3a16"
    assert any("No published checkpoint" in note for note in unknown.notes)


def test_ollama_takes_the_gguf_of_the_same_width():
    for precision, name in (("fp8", "q8_0"), ("int8", "q8_0"), ("bf16", "fp16"), ("w4a16", "q4_K_M")):
        command = launch_command(sample(precision_id=precision), "ollama")
        assert command.served_name == f"llama3.1:70b-instruct-{name}"
        assert not any("No published checkpoint" in note for note in command.notes)
    unknown = launch_command(sample(model_id="deepseek-v3"), "ollama")
    assert unknown.served_name == "deepseek-v3" and any("ollama create" in note for note in unknown.notes)


def test_a_note_cannot_break_out_of_its_comment():
    hostile = sample(gpu_id="h100\ntouch /tmp/x; $(touch /tmp/y)", model_id="a'b; rm -rf $HOME")
    for engine in LAUNCHERS:
        script = launch_command(hostile, engine).script()
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
        code = [line for line in script.splitlines() if not line.startswith("#")]
        assert not any(line.startswith("touch") for line in code)
        start = script[script.index("\nexec ") + 6 :].replace("\\\n", " ")
        assert tuple(shlex.split(start)) == launch_command(hostile, engine).argv


def test_another_engine_than_the_plan_s_says_so():
    assert not any("sized for" in note for note in launch_command(SAMPLE).notes)
    assert any("sized for vllm" in note for note in launch_command(SAMPLE, "sglang").notes)


def test_an_engine_without_a_launcher_is_named():
    with pytest.raises(UnknownNameError, match="lmdeploy"):
        launch_command(SAMPLE, "lmdeploy")


def test_a_model_without_published_weights():
    assert checkpoint((), "llama-3.1-8b", "bf16").published is False


def test_repositories_come_from_the_catalog():
    catalog = load_catalog()
    row = next(row for row in catalog.checkpoints if row.model_id == "llama-3.1-8b")
    changed = catalog.with_record(row.model_copy(update={"repository": "our/llama"}))
    assert (row.precision_id, row.format, "our/llama") in repositories_of(changed, "llama-3.1-8b")


def test_a_plan_that_drafts_says_so_in_the_engines_own_words():
    drafts = replace(SAMPLE.settings, speculative_tokens=3)
    config = json.loads(flag(launch_command(sample(settings=drafts)), "--speculative-config"))
    assert config == {"method": "mtp", "num_speculative_tokens": 3}
    small = sample(settings=drafts, draft_repository="a/small-model")
    assert json.loads(flag(launch_command(small), "--speculative-config"))["model"] == "a/small-model"
    chain = launch_command(small, "sglang")
    assert flag(chain, "--speculative-num-draft-tokens") == "4"
    assert flag(chain, "--speculative-draft-model-path") == "a/small-model"
    assert "--speculative-config" not in launch_command(SAMPLE).argv
