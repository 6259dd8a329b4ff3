import pytest
import yaml
from plan_sample import SAMPLE, sample

from llmplan.errors import UnknownNameError
from llmplan.operations import deployment, launch_command, scaled_object
from llmplan.operations.deployment import IMAGES, grace_s, image
from llmplan.operations.writing import to_yaml


@pytest.mark.parametrize("engine", IMAGES)
def test_deployment_service_and_scaler_belong_together(engine):
    fleet, service = (yaml.safe_load(to_yaml(part)) for part in deployment(SAMPLE, engine, "1.2.3"))
    assert (fleet["kind"], service["kind"]) == ("Deployment", "Service")
    labels = fleet["spec"]["template"]["metadata"]["labels"]
    assert fleet["spec"]["selector"]["matchLabels"] == labels == service["spec"]["selector"]
    (server,) = fleet["spec"]["template"]["spec"]["containers"]
    assert tuple(server["command"]) == launch_command(SAMPLE, engine).argv
    assert server["ports"][0]["containerPort"] == service["spec"]["ports"][0]["port"]
    mounts = {mount["name"] for mount in server["volumeMounts"]}
    assert mounts == {volume["name"] for volume in fleet["spec"]["template"]["spec"]["volumes"]}
    if engine != "tensorrt-llm":
        assert scaled_object(SAMPLE, engine)["spec"]["scaleTargetRef"]["name"] == fleet["metadata"]["name"]


def test_sizes_by_hand():
    fleet = deployment(SAMPLE)[0]["spec"]
    pod = fleet["template"]["spec"]
    (server,) = pod["containers"]
    assert fleet["replicas"] == 3
    assert server["resources"]["limits"] == {"nvidia.com/gpu": "2"}
    assert server["resources"]["requests"] == {"ephemeral-storage": "146G"}  # 2 x 72.6
    probe = server["startupProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] == 1_600  # four times 400 s
    assert pod["terminationGracePeriodSeconds"] == grace_s(SAMPLE) == 50  # 4 x (0.5 + 300 x 0.04)


def test_images():
    assert image("vllm", "0.33.0") == "vllm/vllm-openai:v0.33.0"
    assert image("tgi", "3 (client 0.7.0)").endswith(":latest")
    assert image("vllm", "0.33.0", "amd") == "rocm/vllm:latest"
    with pytest.raises(UnknownNameError):
        image("ollama", "1.0.0")
    amd = deployment(sample(gpu_vendor="amd", gpu_id="mi300x"), "vllm")[0]
    limits = amd["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"amd.com/gpu": "2"}
