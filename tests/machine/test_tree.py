# SPDX-License-Identifier: MIT
"""Kernels of one's own: found in a built tree, held against what guests need, with a Python of ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cowpath import cli
from cowpath.machine import needs, own_python
from cowpath.machine.errors import UnknownMachineError
from cowpath.machine.initramfs import OURS, is_ours, python_files
from cowpath.machine.machines import machine, release_of
from cowpath.machine.modules import kept
from cowpath.machine.tree import own_kernel
from cowpath.machine.uml import Uml

ELF = b"\x7fELF" + bytes(14) + b"\x3e\x00" + bytes(100)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree in which User-Mode Linux was built, with everything."""
    (tmp_path / "linux").write_bytes(ELF)
    (tmp_path / ".config").write_text(needs.fragment("uml"))
    (tmp_path / "include/config").mkdir(parents=True)
    (tmp_path / "include/config/kernel.release").write_text("6.1.176-mine\n")
    return tmp_path


def test_a_built_tree_says_what_it_is(tree: Path) -> None:
    own = own_kernel(tree)
    assert (own.kernel, own.kind, own.lacks(), own.modules) == (tree / "linux", "uml", "", None)
    found = machine(str(tree))
    assert isinstance(found, Uml)
    assert release_of(found) == "6.1"


def test_a_tree_where_nothing_was_built_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UnknownMachineError, match="a tree without a kernel: none of linux, arch/x86/boot"):
        own_kernel(tmp_path)


def test_what_tests_will_miss_is_said_before_the_boot(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tree / ".config"
    config.write_text(config.read_text().replace("CONFIG_KSM=y", "# CONFIG_KSM is not set"))
    machine(str(tree))
    assert "lacks CONFIG_KSM (ksm_merge): tests that need it cannot run" in capsys.readouterr().err


def test_a_kernel_that_boots_no_guest_is_refused(tree: Path) -> None:
    (tree / ".config").write_text("CONFIG_SWAP=y\n")
    with pytest.raises(
        UnknownMachineError, match=r"lacks CONFIG_BLK_DEV_INITRD \(the guest's files\), .*--config uml"
    ):
        machine(str(tree))


def test_modules_do_only_where_there_are_some(tree: Path) -> None:
    config = tree / ".config"
    config.write_text(config.read_text().replace("CONFIG_ZRAM=y", "CONFIG_ZRAM=m"))
    assert own_kernel(tree).lacks() == "CONFIG_ZRAM (swap = zram)"
    (tree / "modules.order").write_text("drivers/block/zram/zram.ko\n")
    assert own_kernel(tree).lacks() == ""
    with pytest.raises(UnknownMachineError, match="no such directory of modules"):
        own_kernel(tree, tree / "nowhere")


def test_modules_of_another_build_are_other_files(tmp_path: Path) -> None:
    module = tmp_path / "tree/zram.ko"
    module.parent.mkdir()
    module.write_bytes(b"first")
    (first,) = kept(tmp_path / "tree", ["zram"], tmp_path / "cache")
    module.write_bytes(b"second")
    (second,) = kept(tmp_path / "tree", ["zram"], tmp_path / "cache")
    assert (first.read_bytes(), second.read_bytes()) == (b"first", b"second")


def test_one_processor_is_all_that_user_mode_linux_has(tree: Path) -> None:
    with pytest.raises(UnknownMachineError, match="User-Mode Linux has one processor"):
        machine(str(tree), processors=2)


def test_the_fragment_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["kernels", "--config", "uml"]) == 0
    said = capsys.readouterr().out
    assert "CONFIG_BLK_DEV_UBD=y" in said
    assert "VIRTIO" not in said


@pytest.mark.skipif(not own_python.serves("amd64"), reason="guests run on x86-64, with CPython")
def test_our_own_python_goes_into_a_guest(tmp_path: Path) -> None:
    own_python.build(tmp_path)
    assert is_ours(tmp_path)
    names = {name for name, _ in python_files(tmp_path)}
    assert {f"usr/bin/{OURS}", "usr/bin/python3", f"usr/lib/{OURS}/json/decoder.py"} <= names
    assert any("ld-linux" in name for name in names)
    assert any(name.startswith(f"usr/lib/{OURS}/lib-dynload/_ctypes") for name in names), sys.version
