"""A KEDA ScaledObject that scales the fleet on queue depth and on running sequences."""

from __future__ import annotations

import math
import re
from typing import Any, Final

from llmplan.operations.monitoring import thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.operations.prometheus import metrics_of, selector

PROMETHEUS: Final = "http://prometheus-server.monitoring.svc:9090"
POLL_S: Final = 15
LONGEST_WINDOW_S: Final = 3600
"""Kubernetes accepts stabilisation windows of up to an hour."""


def deployment_name(plan: ServingPlan, engine_id: str | None = None) -> str:
    """Return a valid Kubernetes name: lower case, digits and dashes, at most 63 characters."""
    text = f"{engine_id or plan.engine_id}-{plan.model_id}".lower()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:63].rstrip("-")


def scaled_object(
    plan: ServingPlan, engine_id: str | None = None, prometheus_url: str = PROMETHEUS
) -> dict[str, Any]:
    """Return the manifest: `min_replicas` to `replicas`, on two triggers.

    Queue depth: so many requests waiting at a replica that their wait would break the time to first token.
    Running sequences: the batch at the utilisation ceiling, which reacts before a queue forms. AverageValue
    divides the sum by the replicas, so both thresholds are for each replica. Scaling down waits twice the
    start of a replica, at least five minutes: what takes long to start should not stop at once.
    """
    engine = plan.engine_id if engine_id is None else engine_id
    names, at, pick = metrics_of(engine), thresholds(plan), selector(plan, engine)
    calm_s = int(min(LONGEST_WINDOW_S, max(300, 2 * math.ceil(plan.start_s))))
    name = deployment_name(plan, engine)
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": f"{name[:56]}-scaler", "labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "pollingInterval": POLL_S,
            "cooldownPeriod": calm_s,
            "minReplicaCount": plan.min_replicas,
            "maxReplicaCount": plan.replicas,
            "advanced": {
                "horizontalPodAutoscalerConfig": {
                    "behavior": {
                        "scaleUp": {
                            "stabilizationWindowSeconds": 0,
                            "policies": [_policy(plan.replicas, POLL_S)],
                        },
                        "scaleDown": {"stabilizationWindowSeconds": calm_s, "policies": [_policy(1, 60)]},
                    }
                }
            },
            "triggers": [
                _trigger(prometheus_url, f"sum({names.waiting}{pick})", at.queue_requests),
                _trigger(prometheus_url, f"sum({names.running}{pick})", at.busy_sequences),
            ],
        },
    }


def _policy(pods: int, period_s: int) -> dict[str, Any]:
    return {"type": "Pods", "value": pods, "periodSeconds": period_s}


def _trigger(prometheus_url: str, query: str, threshold: float) -> dict[str, Any]:
    """KEDA reads every value of a trigger's metadata as a string."""
    return {
        "type": "prometheus",
        "metricType": "AverageValue",
        "metadata": {"serverAddress": prometheus_url, "query": query, "threshold": f"{threshold:.4g}"},
    }
