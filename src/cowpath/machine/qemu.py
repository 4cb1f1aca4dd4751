# SPDX-License-Identifier: MIT
"""QEMU without KVM: any of five architectures, slow enough to be patient with.

The guest sees two disks for swap and the console; nothing of the host's files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cowpath import children
from cowpath.machine import images
from cowpath.machine.guest import Guest, Launch
from cowpath.machine.initramfs import base, is_ours
from cowpath.machine.own_files import guest_python, own_modules
from cowpath.machine.tree import OwnKernel

COMMON_APPEND = (
    "quiet panic=-1 PYTHONHASHSEED=0 cryptomgr.notests random.trust_cpu=on apparmor=0 selinux=0 rdinit=/init"
)


@dataclass(frozen=True)
class QemuBoard:
    """The computer that QEMU emulates for one architecture."""

    program: str
    package: str
    machine: tuple[str, ...]
    console: str
    append: str = ""
    disk: str = "virtio-blk-pci"
    sclp: bool = False
    nodes: bool = False
    """True where the guest gets two memory nodes, between which pages can migrate."""


BOARDS = {
    # cx16: see "Pitfalls" in docs/real-kernels.md
    "amd64": QemuBoard(
        "qemu-system-x86_64", "qemu-system-x86", ("-cpu", "max,-cx16"), "ttyS0",
        "mitigations=off nokaslr no_timer_check tsc=reliable", nodes=True,
    ),
    "arm64": QemuBoard(
        "qemu-system-aarch64", "qemu-system-arm", ("-M", "virt", "-cpu", "cortex-a57"), "ttyAMA0",
        nodes=True,
    ),
    "armhf": QemuBoard(
        "qemu-system-arm", "qemu-system-arm", ("-M", "virt", "-cpu", "cortex-a15"), "ttyAMA0",
        disk="virtio-blk-device",
    ),
    "s390x": QemuBoard(
        "qemu-system-s390x", "qemu-system-misc", ("-M", "s390-ccw-virtio"), "ttysclp0",
        disk="virtio-blk-ccw", sclp=True,
    ),
    "ppc64el": QemuBoard(
        "qemu-system-ppc64", "qemu-system-ppc",
        ("-M", "pseries,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off",
         "-cpu", "power9", "-vga", "none"),
        "hvc0",
    ),
}  # fmt: skip


class Qemu(Guest):
    """A kernel image under QEMU, from Debian (`image`) or one that a developer has built (`own`)."""

    round_seconds = 30
    silence_seconds = 150

    def __init__(
        self,
        name: str,
        architecture: str,
        image: images.Image | None = None,
        own: OwnKernel | None = None,
        processors: int = 1,
    ) -> None:
        self.name = name
        self.architecture = architecture
        self.image = image
        self.board = BOARDS[architecture]
        self.own = own
        self.kernel = image.kernel if image else own.kernel if own else None
        self.processors = processors

    def prepare(self) -> None:
        """Check that QEMU is there, and get what boots."""
        children.need(self.board.program, f" (Debian: apt-get install {self.board.package})")
        super().prepare()

    def base(self) -> Path:
        """Return the archive with a Python for the architecture, and this kernel's modules."""
        modules = self.image.modules if self.image else own_modules(self.own)
        return base(guest_python(self.architecture, self.own), modules, images.cache() / "initramfs")

    def takes_byte_code(self) -> bool:
        """Tell whether the guest's Python reads the byte code that ours makes."""
        return is_ours(guest_python(self.architecture, self.own))

    def launch(self, directory: Path, console: int) -> Launch:
        """Return the command.  With one processor, what races, races by preemption."""
        board, smp = self.board, str(self.processors)
        accelerator = "tcg,thread=multi" if self.processors > 1 else "tcg"
        command = [board.program, *board.machine, "-accel", accelerator, "-smp", smp, *self._memory()]
        command += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
        command += ["-chardev", f"file,id=console,path=/dev/fd/{console}"]
        command += (
            ["-device", "sclpconsole,chardev=console"] if board.sclp else ["-serial", "chardev:console"]
        )
        for number in range(2):
            file = directory / f"swap{number}"
            command += ["-drive", f"file={file},if=none,id=disk{number},format=raw,cache=unsafe"]
            command += ["-device", f"{board.disk},drive=disk{number}"]
        command += ["-kernel", str(self.kernel), "-initrd", str(directory / "initrd")]
        command += ["-append", f"console={board.console} {COMMON_APPEND} {board.append}".strip()]
        return Launch(command, children.environment(TMPDIR=str(directory)))

    def _memory(self) -> list[str]:
        if not self.board.nodes:
            return ["-m", "1024"]
        words = ["-m", "768"]
        for number in range(2):
            words += ["-object", f"memory-backend-ram,size=384M,id=memory{number}"]
            cpus = "" if number else ",cpus=0" + (f"-{self.processors - 1}" if self.processors > 1 else "")
            words += ["-numa", f"node,nodeid={number},memdev=memory{number}{cpus}"]
        return words
