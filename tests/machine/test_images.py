# SPDX-License-Identifier: MIT
"""Names of machines, the cache, and the files of a guest."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from cowpath.cli import main
from cowpath.machine import images, modules
from cowpath.machine.errors import MachineError, UnknownMachineError
from cowpath.machine.initramfs import PROGRAM, CpioArchive, needed_modules
from cowpath.machine.machines import from_path, release_of
from cowpath.machine.qemu import BOARDS, Qemu
from cowpath.machine.tree import OwnKernel
from cowpath.machine.uml import Uml, with_loader


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("uml:6.2", "no User-Mode Linux 6.2: there are 5.10, 6.1, 6.12, 7.2"),
        ("uml:6.1:arm64", "no User-Mode Linux for 'arm64': there is amd64"),
        ("qemu:6.1:vax", "no QEMU kernel for 'vax': there is amd64, arm64, armhf, ppc64el, s390x"),
        ("vmware", "no machine 'vmware'"),
    ],
)
def test_unknown_machines_are_refused_with_what_there_is(name: str, why: str) -> None:
    with pytest.raises(UnknownMachineError, match=why):
        images.parse(name)


def test_every_kernel_that_is_offered_can_be_named() -> None:
    for wanted in images.available():
        assert images.parse(str(wanted)) == wanted
        assert wanted.kind == "uml" or wanted.architecture in BOARDS


def test_the_cache_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert images.cache() == tmp_path / "cowpath"
    assert images.cached(images.parse("uml:6.1")) is None


def test_real_kernels_are_listed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    directory = tmp_path / "cowpath" / "kernels" / "uml-6.1-amd64"
    directory.mkdir(parents=True)
    facts = '{"package": "user-mode-linux", "version": "6.1um4", "fetched": "2026-01-02"}'
    (directory / "image.json").write_text(facts)
    assert main(["kernels", "--real"]) == 0
    rows = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "uml:6.1 bookworm user-mode-linux 6.1um4, fetched 2026-01-02" in rows
    assert "qemu:6.1:s390x bookworm -" in rows
    assert "qemu:7.3 trixie-backports -" in rows
    assert not any(row.startswith("uml:7.3") for row in rows)


def test_a_path_is_recognised_by_its_content(tmp_path: Path) -> None:
    program, image, other = tmp_path / "linux", tmp_path / "bzImage", tmp_path / "notes"
    program.write_bytes(b"\x7fELF" + bytes(14) + b"\x3e\x00" + bytes(100))
    image.write_bytes(bytes(0x202) + b"HdrS" + bytes(1000))
    other.write_text("hello")
    assert isinstance(from_path(program), Uml)
    assert isinstance(from_path(image), Qemu)
    with pytest.raises(UnknownMachineError, match="neither a User-Mode Linux program"):
        from_path(other)


def test_the_release_of_a_machine_is_known_before_it_boots(tmp_path: Path) -> None:
    image = images.Image("uml:6.1", tmp_path, "user-mode-linux", "6.1um4+b13", "2026-01-02")
    assert release_of(Uml("uml:6.1", image)) == "6.1"
    assert release_of(Uml("linux", own=OwnKernel(tmp_path, tmp_path, "uml"))) == "0.0"


def test_a_suite_that_moved_on_is_noticed() -> None:
    with pytest.raises(
        MachineError, match=r"uml:7\.2 cannot be had: Debian sid has moved on to kernel 7\.4um1"
    ):
        images._check_release(images.parse("uml:7.2"), "7.4um1")
    images._check_release(images.parse("uml:6.1"), "6.1um4+b13")
    with pytest.raises(MachineError):
        images._check_release(images.parse("uml:6.1"), "6.12um1")


@pytest.mark.parametrize("name", ["boot/config-6.1.0-50-amd64", "usr/lib/modules/7.2.13/config"])
def test_how_a_kernel_was_built_is_kept(tmp_path: Path, name: str) -> None:
    root, target = tmp_path / "root", tmp_path / "target"
    (root / name).parent.mkdir(parents=True)
    (root / name).write_text("CONFIG_KSM=y\n")
    target.mkdir()
    images._keep_config(root, target)
    assert images.Image("x", target, "", "", "").config == "CONFIG_KSM=y\n"


def test_modules_come_after_what_they_need(tmp_path: Path) -> None:
    for name, needs in (("virtio-blk", "virtio_ring,virtio"), ("virtio_ring", ""), ("virtio", "virtio_ring")):
        (tmp_path / f"{name}.ko").write_bytes(b"\0depends=" + needs.encode() + b"\0")
    modules.install(tmp_path, ["virtio_blk", "not_there"], tmp_path / "to")
    names = sorted(file.name for file in (tmp_path / "to").iterdir())
    assert names == ["00-virtio_ring.ko", "01-virtio.ko", "02-virtio_blk.ko"]


def test_a_cpio_archive_is_as_the_kernel_wants_it() -> None:
    archive = CpioArchive()
    archive.add("sub/init", b"abc", PROGRAM)
    packed = archive.packed()
    assert len(packed) % 512 == 0
    names: list[str] = []
    offset = 0
    while not names or names[-1] != "TRAILER!!!":
        assert packed[offset : offset + 6] == b"070701"
        fields = [int(packed[offset + 6 + 8 * i : offset + 14 + 8 * i], 16) for i in range(13)]
        size, length = fields[6], fields[11]
        names.append(packed[offset + 110 : offset + 109 + length].decode())
        data = (offset + 110 + length + 3) & ~3
        if names[-1] == "sub/init":
            assert (packed[data : data + size], fields[1]) == (b"abc", PROGRAM)
        offset = (data + size + 3) & ~3
    assert names == ["sub", "sub/init", "TRAILER!!!"]


def test_the_guest_gets_the_modules_that_the_agent_imports() -> None:
    needed = needed_modules()
    assert {"json/decoder", "contextlib", "ctypes/__init__", "threading"} <= needed


def test_the_loader_of_a_program_is_replaced_in_its_place() -> None:
    program = struct.pack("4s28s4s", b"\x7fELF", b"/lib64/ld-linux-x86-64.so.2\0", b"rest")
    patched = with_loader(program, "/dev/shm/cpabcdef/ld.so")
    assert len(patched) == len(program)
    assert patched.endswith(b"rest")
    assert b"/dev/shm/cpabcdef/ld.so\0" in patched
    with pytest.raises(MachineError, match="too long"):
        with_loader(program, "/a/very/long/temporary/directory/ld.so")
