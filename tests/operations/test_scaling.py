import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from plan_sample import SAMPLE, sample

from llmplan.operations import METRICS, scaled_object
from llmplan.operations.writing import to_yaml

SCHEMA = json.loads((Path(__file__).parent / "scaledobject.schema.json").read_text())


@pytest.mark.parametrize("engine", METRICS)
@pytest.mark.parametrize(
    "change",
    [{}, {"model_id": "Some_Very.Long" + "-name" * 20}, {"start_s": 5_000.0}, {"queries_per_day": 1}],
)
def test_the_manifest_is_valid(engine, change):
    document = yaml.safe_load(to_yaml(scaled_object(sample(**change), engine)))
    jsonschema.validate(document, SCHEMA)
    spec = document["spec"]
    assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]


def test_the_schema_refuses_a_misspelt_field():
    broken = scaled_object(SAMPLE)
    broken["spec"]["minReplicas"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, SCHEMA)


def test_it_scales_on_the_plan_s_numbers():
    spec = scaled_object(SAMPLE)["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (3, 5)
    assert spec["cooldownPeriod"] == 800  # twice the 400 s of a start
    queue, running = (trigger["metadata"] for trigger in spec["triggers"])
    assert queue["query"] == 'sum(vllm:num_requests_waiting{model_name="llama-3.1-70b"})'
    assert (queue["threshold"], running["threshold"]) == ("6", "44.8")


def test_the_prometheus_address_can_be_given():
    trigger = scaled_object(SAMPLE, prometheus_url="http://here:1")["spec"]["triggers"][0]
    assert trigger["metadata"]["serverAddress"] == "http://here:1"
