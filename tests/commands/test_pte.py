# SPDX-License-Identifier: MIT
"""`cowpath pte` as a user meets it."""

import ctypes
import json
import mmap
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cowpath.arch import ARCHITECTURES
from cowpath.arch.pagemap import PM_PRESENT, PM_SOFT_DIRTY, PM_SWAP, PagemapEntry, PagemapError, read_pagemap
from cowpath.cli import main
from cowpath.history.release import Release
from cowpath.report.pagemap import pagemap_json, pagemap_lines


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["pte", *words])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_decode(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "decode", "0x20c", "--arch", "arm64", "--kernel", "6.1")
    assert (status, err) == (0, "")
    assert "swap: device 1, offset 0x2, exclusive" in out
    assert "3-7   type" in out
    assert "58    zero" in out


def test_decode_takes_what_crash_dumps_print(capsys: pytest.CaptureFixture[str]) -> None:
    with_0x = run(capsys, "decode", "0x07fffffffffffc08", "--arch", "x86_64", "--kernel", "6.1")
    assert run(capsys, "decode", "07FFFFFFFFFFFC08", "--arch", "amd64", "--kernel", "v6.1") == with_0x
    updated = run(capsys, "decode", "0x07fffffffffffc08", "--arch", "amd64", "--kernel", "6.1.176-1")
    assert updated[1].replace("6.1.176", "6.1") == with_0x[1]


def test_decode_json(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "decode", "20c", "--arch", "arm64", "--kernel", "6.1", "--format", "json")
    document = json.loads(out)
    assert status == 0
    assert document["kind"] == "swap"
    assert (document["type"], document["offset"], document["flags"]) == (1, 2, {"exclusive": True})
    assert [field["name"] for field in document["fields"]] == ["type", "offset", "exclusive", "zero", "zero"]


def test_decode_json_of_a_value_without_entry(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "decode", "0", "--arch", "arm64", "--format", "json")
    assert json.loads(out)["type"] is None


def test_decode_impossible(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "decode", "0x07fffffffffffc08", "--arch", "x86_64", "--kernel", "5.10")
    assert status == 0
    assert "no kernel writes this pte" in out
    assert "wrong: bit 3: this kernel uses it in no swap pte" in out
    assert "a kernel 5.19 and later could write it" in out


def test_without_changes_the_special_types(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("decode", "0x640", "--arch", "arm", "--kernel", "6.1")  # type 16
    assert "swap: device 16" in run(capsys, *words)[1]
    words = ("decode", "0x80000f70", "--arch", "arm", "--kernel", "6.1")  # type 28
    assert "SWP_MIGRATION_READ" in run(capsys, *words)[1]
    assert "swap: device 28" in run(capsys, *words, "--without", "migration")[1]


def test_encode(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "encode", "1", "2", "--exclusive", "--arch", "arm64", "--kernel", "6.1")
    assert status == 0
    assert out.startswith("0x000000000000020c  arm64, kernel 6.1\n")


def test_encode_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("migration-write", "SWP_MIGRATION_WRITE"):
        out = run(capsys, "encode", name, "0x1234", "--arch", "arm64", "--kernel", "6.12")[1]
        assert "SWP_MIGRATION_WRITE, pfn 0x1234" in out


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layout_of_every_architecture(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "layout", name)
    assert status == 0
    drawings = [line for line in out.splitlines() if line.startswith("  |")]
    arch = ARCHITECTURES[name]
    assert len(drawings) == 2 * len(arch.layouts)
    for numbers, labels in zip(drawings[::2], drawings[1::2], strict=True):
        assert len(numbers) == len(labels)
        ends = [int(end) for cell in numbers.split("|")[1:-1] for end in cell.strip().split("-")]
        assert ends == sorted(ends, reverse=True)
        assert (ends[0], ends[-1]) == (arch.pte_bits - 1, 0)
    assert arch.layouts[-1].commit in out


def test_layout_of_one_release(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "layout", "arm64", "--kernel", "6.1")
    assert "5.19, before 6.10  (570ef363509b)" in out
    assert len([line for line in out.splitlines() if line.startswith("  |")]) == 2


def test_layout_lists_architectures(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "layout")
    assert [line.split()[0] for line in out.splitlines()] == list(ARCHITECTURES)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["decode", "0x20g"], "is not a pte"),
        (["decode", "0x1ffffffff", "--arch", "arm", "--kernel", "6.1"], "more than 32 bits"),
        (["decode", "-5"], "it is negative"),
        (["decode", "0x20c", "--arch", "arm46"], "did you mean arm64"),
        (["decode", "0x20c", "--kernel", "61"], "did you mean 6.1"),
        (["decode", "0x20c", "--arch", "ia64", "--kernel", "6.12"], "Linux 6.7 removed ia64"),
        (["decode"], None),
        (["encode", "33", "1", "--arch", "arm64"], "0 to 31 do"),
        (["encode", "1", "0x1000000", "--arch", "arm", "--kernel", "6.3"], "24 bits"),
        (
            ["encode", "migration-read-exclusive", "1", "--arch", "arm64", "--kernel", "5.10"],
            "has no swap type",
        ),
        (["encode", "1", "2", "--exclusive", "--arch", "arm", "--kernel", "6.1"], "6.3 brings one"),
        (["encode", "1", "2", "--soft-dirty", "--arch", "arm64"], "no soft-dirty bit"),
        (["encode", "1", "ff"], "did you mean 0xff"),
        (["layout", "pdp11"], "no architecture is called"),
        (["pagemap", "self", "0x10"], "nothing mapped at 0x10"),
        (["pagemap", "self", "-1"], "it is negative"),
        (["pagemap", "self", "0xfffffffffffffffffffff"], "nothing mapped"),
        (["pagemap", "999999999", "0x1000"], "there is no process"),
        (["pagemap", "one", "0x1000"], "is not a process id"),
        ([], None),
    ],
)
def test_bad_input(words: list[str], complaint: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """A sentence on stderr and status 2, never a traceback; None: argparse itself complains."""
    if complaint is None:
        with pytest.raises(SystemExit) as stopped:
            main(["pte", *words])
        assert stopped.value.code == 2
    else:
        status, out, err = run(capsys, *words)
        assert (status, out) == (2, "")
        assert complaint in err


def test_pagemap_of_a_touched_page(capsys: pytest.CaptureFixture[str]) -> None:
    page = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    page[0] = 1
    assert read_pagemap(os.getpid(), address).present
    untouched = read_pagemap(os.getpid(), address + mmap.PAGESIZE)
    assert not untouched.swapped
    status, out, _ = run(capsys, "pagemap", "self", hex(address))
    assert status == 0
    assert ": present" in out
    assert "pagemap cannot tell: PG_anon_exclusive" in out
    status, out, _ = run(capsys, "pagemap", str(os.getpid()), hex(address), "--format", "json")
    assert json.loads(out)["state"] == "present"


def test_pagemap_of_a_swapped_page() -> None:
    """Swap may be missing on this machine: the word is made up, as fs/proc/task_mmu.c puts it together."""
    entry = PagemapEntry(PM_SWAP | PM_SOFT_DIRTY | 0x1234 << 5 | 1)
    arch, release = ARCHITECTURES["x86_64"], Release(6, 1)
    text = "\n".join(pagemap_lines(entry, 1, 0x1000, arch, release, frozenset()))
    assert "offset          0x1234" in text
    assert "pagemap cannot tell: the exclusive marker of the swap pte" in text
    document = pagemap_json(entry, 1, 0x1000, arch, release, frozenset())
    assert document["exclusive"] is None
    plain, exclusive = (int(pte, 16) for pte in document["possible_ptes"])
    assert plain ^ exclusive == 1 << 3


def test_pagemap_says_what_is_hidden() -> None:
    for word in (PM_PRESENT, PM_SWAP):
        text = "\n".join(
            pagemap_lines(PagemapEntry(word), 1, 0, ARCHITECTURES["x86_64"], Release(6, 1), frozenset())
        )
        assert "CAP_SYS_ADMIN" in text


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_pagemap_of_a_process_that_is_not_ours() -> None:
    program = (
        "import os\n"
        "from cowpath.arch.pagemap import read_pagemap, PagemapError\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try:\n    read_pagemap(1, 0x1000)\n"
        "except PagemapError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "process 1 is not yours to look into" in done.stdout


def test_pagemap_of_a_kernel_thread() -> None:
    with pytest.raises(PagemapError, match="nothing mapped"):
        read_pagemap(2 if not Path("/proc/2/maps").read_bytes() else 999_999_999, 0x1000)
