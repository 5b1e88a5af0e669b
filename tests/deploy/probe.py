"""Tries, inside the sandbox of the unit, what no daemon of ours needs."""

import json
import re

from tests.deploy.machine import Machine
from tests.deploy.service import PREFIX

#: The metadata service of most clouds.
METADATA = "169.254.169.254"

#: Runs inside; prints what became of each attempt: "done", the name of the error, or a value.
_PROGRAM = """
import ctypes, errno, json, mmap, os, pathlib, resource, socket, sys

libc = ctypes.CDLL(None, use_errno=True)


def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")


def send(host):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(b"x", (host, 9))


def setuid_file():
    file = pathlib.Path("setuid-file")
    file.write_text("")
    try:
        file.chmod(0o4755)
    finally:
        file.unlink()


pid = int(sys.argv[1])
status = pathlib.Path("/proc/self/status").read_text()
value = {line.partition(":")[0]: line.partition(":")[2].strip() for line in status.splitlines()}
attempts = {
    "write the state directory": lambda: pathlib.Path("file").write_text("x"),
    "send to this machine": lambda: send("127.0.0.1"),
    "write /etc": lambda: pathlib.Path("/etc/file").write_text("x"),
    "write the program": lambda: pathlib.Path("PREFIX/lib/passbackd/file").write_text("x"),
    "write the configuration": lambda: pathlib.Path("PREFIX/etc/passbackd/config.toml").open("a"),
    "write /usr": lambda: pathlib.Path("/usr/file").write_text("x"),
    "write the state of others": lambda: pathlib.Path("/var/lib/file").write_text("x"),
    "read the service's state": lambda: pathlib.Path("/var/lib/private/passbackd/passbackd.db").read_bytes(),
    "read a home": lambda: pathlib.Path("/home/operator/file").read_text(),
    "read root's home": lambda: os.listdir("/root/."),
    "read the operator's credentials": lambda: os.listdir("PREFIX/etc/passbackd/credentials"),
    "send to the cloud's metadata": lambda: send("METADATA"),
    "become root": lambda: os.setuid(0),
    "trace a process": lambda: call(101, 16, os.getppid(), 0, 0),
    "read another's memory": lambda: pathlib.Path(f"/proc/{pid}/mem").open("rb"),
    "mount": lambda: call(165, b"tmpfs", b"/tmp", b"tmpfs", 0, None),
    "make a namespace": lambda: call(272, 0x10000000),
    "open a netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW),
    "open a raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "make memory executable": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC),
    "make a file that acts as its owner": setuid_file,
    "change the kernel": lambda: pathlib.Path("/proc/sys/kernel/core_pattern").write_text("x"),
    "change a control group": lambda: pathlib.Path("/sys/fs/cgroup/file").mkdir(),
    "set the clock": lambda: call(227, 0, b"\\0" * 16),
    "open a disk": lambda: pathlib.Path("/dev/vda").open("rb"),
    "read the kernel's log": lambda: call(103, 3, b"", 0),
}
said = {
    "capabilities": value["CapEff"],
    "new privileges": value["NoNewPrivs"],
    "core limit": str(resource.getrlimit(resource.RLIMIT_CORE)[1]),
    "the service's process": "seen" if str(pid) in os.listdir("/proc") else "unseen",
}
for name, attempt in attempts.items():
    try:
        attempt()
        said[name] = "done"
    except OSError as error:
        said[name] = errno.errorcode.get(error.errno, str(error))
print("said", json.dumps(said))
"""


def run(machine: Machine, service: int) -> dict[str, str]:
    """What became of each attempt in a unit that is passbackd's but for its program; *service*: passbackd's process."""
    program = _PROGRAM.replace("PREFIX", PREFIX).replace("METADATA", METADATA)
    machine.path("/opt/probe.py").write_text(program)
    unit = machine.path("/etc/systemd/system/passbackd.service").read_text()
    start = f"ExecStart={PREFIX}/lib/passbackd/bin/python /opt/probe.py {service}"
    unit = re.sub(r"^ExecStart=.*$", start, unit, flags=re.MULTILINE)
    unit = re.sub(r"^(Restart|Type|WatchdogSec|ExecReload)=.*$", "", unit, flags=re.MULTILINE)
    # A user and a state directory of its own.
    for setting in ("User=", "StateDirectory=", "WorkingDirectory=%S/"):
        unit = unit.replace(f"{setting}passbackd", f"{setting}passbackd-probe")
    machine.path("/run/systemd/system/passbackd-probe.service").write_text(unit)
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "start", "--wait", "passbackd-probe")
    (line,) = re.findall(r"^said (.*)$", machine.journal("passbackd-probe", "--output=cat"), re.MULTILINE)
    said: dict[str, str] = json.loads(line)
    return said
