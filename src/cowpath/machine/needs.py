# SPDX-License-Identifier: MIT
"""The options that a kernel needs: to boot a guest at all, and for each of the things that tests ask for.

They are a fragment for the kernel's scripts/kconfig/merge_config.sh, and what a configuration is held against
before it is booted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

UML, X86, ARM64 = "uml", "x86", "arm64"
EVERYWHERE = (UML, X86, ARM64)


@dataclass(frozen=True)
class Need:
    """An option, what it is for, and the kinds of kernel that have it.

    Without an `essential` one no guest comes to its first job.  `module`: =m will do, if there are modules.
    """

    option: str
    what: str
    essential: bool = False
    module: bool = False
    kinds: tuple[str, ...] = EVERYWHERE


NEEDS = (
    Need("BLK_DEV_INITRD", "the guest's files", essential=True),
    Need("BINFMT_ELF", "programs", essential=True),
    Need("BINFMT_SCRIPT", "the first process is a script", essential=True),
    Need("PROC_FS", "/proc", essential=True),
    Need("SYSFS", "/sys", essential=True),
    Need("TMPFS", "/tmp", essential=True),
    Need("DEVTMPFS", "/dev", essential=True),
    Need("FUTEX", "the guest's C library", essential=True),
    Need("EPOLL", "the guest's Python"),
    Need("PRINTK", "what the kernel complains of"),
    Need("MULTIUSER", "the guest's files belong to root"),
    Need("SERIAL_8250_CONSOLE", "the console", essential=True, kinds=(X86,)),
    Need("SERIAL_AMBA_PL011_CONSOLE", "the console", essential=True, kinds=(ARM64,)),
    Need("NULL_CHAN", "the console", kinds=(UML,)),
    Need("BLK_DEV_UBD", "swap", kinds=(UML,)),
    Need("PCI", "swap", kinds=(X86, ARM64)),
    Need("VIRTIO_PCI", "swap", module=True, kinds=(X86, ARM64)),
    Need("VIRTIO_BLK", "swap", module=True, kinds=(X86, ARM64)),
    Need("SWAP", "swap"),
    Need("ADVISE_SYSCALLS", "madvise"),
    Need("PROC_PAGE_MONITOR", "whether a page is in memory: /proc/*/pagemap"),
    Need("FUSE_FS", "get_user_page(x, FOLL_WRITE), pin_user_page(x)", module=True),
    Need("CROSS_MEMORY_ATTACH", "pin_user_page(x)"),
    Need("IO_URING", "pin_user_page(x, FOLL_WRITE)"),
    Need("USERFAULTFD", "userfaultfd_wp, userfaultfd_move"),
    Need("KSM", "ksm_merge"),
    Need("MIGRATION", "migrate"),
    Need("NUMA", "migrate: it takes two memory nodes", kinds=(X86, ARM64)),
    Need("MEM_SOFT_DIRTY", "clear_refs, soft_dirty", kinds=(X86,)),
    Need("CRYPTO", "swap = zram, zswap"),
    Need("ZSMALLOC", "swap = zram, zswap", module=True),
    Need("CRYPTO_LZO", "swap = zram, zswap", module=True),
    Need("ZRAM", "swap = zram", module=True),
    Need("BLK_DEV_RAM", "swap = brd", module=True),
    Need("ZSWAP", "swap = zswap"),
    Need("MEMCG", "swap = zswap: its shrinker"),
)
"""Every one of them."""

HEAD = """# For scripts/kconfig/merge_config.sh: what cowpath's guests need.
#
#     cowpath kernels --config {kind} > cowpath.config
#     make {words}defconfig
#     scripts/kconfig/merge_config.sh -m .config cowpath.config
#     make {words}olddefconfig && make {words}-j$(nproc)
"""

MAKE = {UML: "ARCH=um ", X86: "", ARM64: "ARCH=arm64 "}


def fragment(kind: str) -> str:
    """Return the options as a fragment of a configuration: everything built in.

    >>> print(fragment("uml").splitlines()[-1])
    CONFIG_MEMCG=y
    """
    lines = [HEAD.format(kind=kind, words=MAKE[kind]).rstrip()]
    lines += ["", "# a guest has no way to find modules but those that a tree or --modules has"]
    for need in NEEDS:
        if kind in need.kinds:
            lines += [f"# {need.what}{' (no guest without it)' if need.essential else ''}"]
            lines += [f"CONFIG_{need.option}=y"]
    return "\n".join(lines) + "\n"


def options(text: str) -> dict[str, str]:
    """Return what a configuration says, by names without CONFIG_.

    >>> options("CONFIG_SWAP=y\\n# CONFIG_KSM is not set\\n")
    {'SWAP': 'y'}
    """
    lines = [line for line in text.splitlines() if line.startswith("CONFIG_")]
    return {name.removeprefix("CONFIG_"): value for name, _, value in (line.partition("=") for line in lines)}


def lacking(given: Mapping[str, str], kind: str, has_modules: bool) -> tuple[list[Need], list[Need]]:
    """Return what a kernel lacks: the essential, and the rest.

    >>> given = {need.option: "y" for need in NEEDS} | {"KSM": "n", "ZRAM": "m"}
    >>> [[need.option for need in found] for found in lacking(given, "x86", has_modules=False)]
    [[], ['KSM', 'ZRAM']]
    """
    enough = ("y", "m")
    missing = [
        need
        for need in NEEDS
        if kind in need.kinds
        and given.get(need.option, "n") not in enough[: 1 + (need.module and has_modules)]
    ]
    return [need for need in missing if need.essential], [need for need in missing if not need.essential]


def told(missing: list[Need]) -> str:
    """Return a list of what is lacking as people read it.

    >>> told([Need("KSM", "ksm_merge"), Need("SWAP", "swap"), Need("BLK_DEV_UBD", "swap")])
    'CONFIG_KSM (ksm_merge), CONFIG_SWAP and CONFIG_BLK_DEV_UBD (swap)'
    """
    grouped: dict[str, list[str]] = {}
    for need in missing:
        grouped.setdefault(need.what, []).append(f"CONFIG_{need.option}")
    return ", ".join(f"{' and '.join(names)} ({what})" for what, names in grouped.items())
