"""A Kubernetes Deployment and Service for the fleet: the launch command, GPUs, probes and disk from the plan."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from llmplan.errors import UnknownNameError
from llmplan.operations.launch import LaunchCommand, launch_command
from llmplan.operations.plan import ServingPlan
from llmplan.operations.scaling import deployment_name

IMAGES: Final = {
    "vllm": ("vllm/vllm-openai", "v"),
    "sglang": ("lmsysorg/sglang", "v"),
    "tensorrt-llm": ("nvcr.io/nvidia/tensorrt-llm/release", ""),
    "tgi": ("ghcr.io/huggingface/text-generation-inference", ""),
}
"""Engine -> its published image and what stands before the version in the tag."""
AMD_IMAGES: Final = {"vllm": ("rocm/vllm", "")}
GPU_RESOURCES: Final = {"nvidia": "nvidia.com/gpu", "amd": "amd.com/gpu"}
PROBE_S: Final = 10
CACHE: Final = "/root/.cache/huggingface"


def image(engine_id: str, version: str, vendor: str = "nvidia") -> str:
    """Return the engine's image; the tag is the version where that is a plain one, else latest."""
    names = AMD_IMAGES if vendor == "amd" else IMAGES
    if engine_id not in names:
        raise UnknownNameError("engine with an image", engine_id, names)
    name, before = names[engine_id]
    plain = vendor == "nvidia" and re.fullmatch(r"\d+\.\d+\.\d+", version)
    return f"{name}:{before}{version}" if plain else f"{name}:latest"


def deployment(plan: ServingPlan, engine_id: str | None = None, version: str = "") -> list[dict[str, Any]]:
    """Return a Deployment and its Service.

    It starts with the replicas for the mean load; the ScaledObject takes over from there. A replica may take four
    times its expected start before it is given up. Its disk holds the weights twice: the running version and the
    next.
    """
    engine = plan.engine_id if engine_id is None else engine_id
    name, command = deployment_name(plan, engine), launch_command(plan, engine)
    container = _container(plan, image(engine, version, plan.gpu_vendor), command)
    labels = {"app.kubernetes.io/name": name}
    spec = {
        "replicas": plan.min_replicas,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": labels}, "spec": _pod(plan, container)},
    }
    ports = [{"name": "http", "port": command.port, "targetPort": "http"}]
    about = {"metadata": {"name": name, "labels": labels}}
    return [
        {"apiVersion": "apps/v1", "kind": "Deployment", **about, "spec": spec},
        {"apiVersion": "v1", "kind": "Service", **about, "spec": {"selector": labels, "ports": ports}},
    ]


def _container(plan: ServingPlan, image_name: str, command: LaunchCommand) -> dict[str, Any]:
    secret = {"name": "hf-token", "key": "token", "optional": True}
    return {
        "name": "server",
        "image": image_name,
        "command": list(command.argv),
        "env": [{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": secret}}],
        "ports": [{"name": "http", "containerPort": command.port}],
        "resources": {
            "limits": {GPU_RESOURCES[plan.gpu_vendor]: str(plan.n_gpus)},
            "requests": {"ephemeral-storage": _disk(plan)},
        },
        "startupProbe": _probe(math.ceil(4 * plan.start_s / PROBE_S)),
        "readinessProbe": _probe(3),
        "volumeMounts": [{"name": "cache", "mountPath": CACHE}, {"name": "shm", "mountPath": "/dev/shm"}],
    }


def _pod(plan: ServingPlan, container: dict[str, Any]) -> dict[str, Any]:
    shared = {"medium": "Memory", "sizeLimit": f"{4 * plan.n_gpus}Gi"}
    return {
        "terminationGracePeriodSeconds": grace_s(plan),
        "containers": [container],
        "volumes": [
            {"name": "cache", "emptyDir": {"sizeLimit": _disk(plan)}},
            {"name": "shm", "emptyDir": shared},
        ],
    }


def _disk(plan: ServingPlan) -> str:
    """Return the size of a replica's disk: its weights twice."""
    return f"{math.ceil(2 * plan.weights_gb)}G"


def grace_s(plan: ServingPlan) -> int:
    """Return how long a stopping replica may finish its answers: four mean answers at the planned speed. [s]"""
    return max(30, math.ceil(4 * (plan.ttft_ms + plan.tpot_ms * plan.output_tokens) / 1e3))


def _probe(failures: int) -> dict[str, Any]:
    """All four engines answer /health once the model is loaded."""
    return {
        "httpGet": {"path": "/health", "port": "http"},
        "periodSeconds": PROBE_S,
        "failureThreshold": max(3, failures),
    }
