"""From a chosen self-hosted option to what runs it: launch, alerts, scaling, gateway, updates."""

from llmplan.operations.checkpoints import Checkpoint, checkpoint
from llmplan.operations.deployment import deployment
from llmplan.operations.gateway import ApiTier, litellm_config
from llmplan.operations.launch import LAUNCHERS, LaunchCommand, launch_command
from llmplan.operations.monitoring import MonitoringItem, Thresholds, monitoring_list, thresholds
from llmplan.operations.plan import ServingPlan
from llmplan.operations.prometheus import METRICS, alert_rules
from llmplan.operations.scaling import scaled_object
from llmplan.operations.updates import StorageItem, UpdateWindow, storage_list, update_calendar
from llmplan.operations.writing import fleet_files, operations_files, write_operations, zipped

__all__ = [
    "LAUNCHERS",
    "METRICS",
    "ApiTier",
    "Checkpoint",
    "LaunchCommand",
    "MonitoringItem",
    "ServingPlan",
    "StorageItem",
    "Thresholds",
    "UpdateWindow",
    "alert_rules",
    "checkpoint",
    "deployment",
    "fleet_files",
    "launch_command",
    "litellm_config",
    "monitoring_list",
    "operations_files",
    "scaled_object",
    "storage_list",
    "thresholds",
    "update_calendar",
    "write_operations",
    "zipped",
]
