"""Kernels for the dashboard's server: forked from the zygote where the system allows it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from llmplan.app.server.zygote import receive, send

NAME = "llmplan-fork"
START_TIMEOUT_SECONDS = 60


class Zygote:
    """The server's end of the zygote process, which gets ready while the server does."""

    def __init__(self, notebook: Path) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "llmplan.app.server.zygote", str(theirs.fileno()), str(notebook)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, pass_fds=[theirs.fileno()], env=environment, stdin=subprocess.DEVNULL
        )
        theirs.close()
        ours.settimeout(START_TIMEOUT_SECONDS)
        self._channel = ours
        self._ready = False

    def fork(self, connection_file: str, env: dict[str, str], cwd: str) -> int:
        """Return the process id of a new kernel; an `OSError` says that there is no zygote (any more)."""
        if not self._ready:
            self._ready = bool((receive(self._channel) or {}).get("ready"))
            if not self._ready:
                raise OSError("the kernel process did not start")
        send(self._channel, {"connection_file": connection_file, "env": env, "cwd": cwd})
        answer = receive(self._channel)
        if answer is None:
            raise OSError("the kernel process has ended")
        return int(answer["pid"])

    def close(self) -> None:
        """End the zygote; kernels that are left end by themselves when it is gone."""
        self._channel.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()


class ForkedProcess:
    """A kernel that is the zygote's child, with what Jupyter needs of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return None while it runs, 0 once it has ended (its own status is the zygote's to know)."""
        if self.returncode is None:
            try:
                os.kill(self.pid, 0)
            except ProcessLookupError:
                self.returncode = 0
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended."""
        limit = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            if limit is not None and time.monotonic() > limit:
                raise subprocess.TimeoutExpired(NAME, timeout or 0.0)
            time.sleep(0.02)
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ForkProvisioner(LocalProvisioner):
    """Starts kernels by forking the zygote; without one, as Jupyter always does."""

    zygote: ClassVar[Zygote | None] = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel and return how to connect to it."""
        cwd = str(kwargs.get("cwd") or Path.cwd())
        try:
            if ForkProvisioner.zygote is None:
                raise OSError("no zygote")
            pid = ForkProvisioner.zygote.fork(cmd[cmd.index("-f") + 1], kwargs["env"], cwd)
        except OSError:
            ForkProvisioner.zygote = None
            return await super().launch_kernel(cmd, **kwargs)
        self.process, self.pid, self.pgid, self.cwd = ForkedProcess(pid), pid, pid, cwd
        return self.connection_info


def use_forked_kernels(notebook: Path) -> Zygote | None:
    """Have all kernels of this process forked from a zygote; return it, or None where that cannot be.

    Forking is used on Linux only: elsewhere system libraries may not survive it.
    """
    if sys.platform != "linux":
        return None
    try:
        zygote = Zygote(notebook)
    except OSError:
        return None
    ForkProvisioner.zygote = zygote
    entry = EntryPoint(NAME, f"{__name__}:ForkProvisioner", KernelProvisionerFactory.GROUP_NAME)
    factory = KernelProvisionerFactory.instance()
    factory.provisioners[NAME] = entry
    factory.default_provisioner_name = NAME
    return zygote
