# SPDX-License-Identifier: MIT
"""The client of the gdb protocol, against a stub that says what it is told to."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cowpath.machine.replay.gdb import Gdb, GdbError


def packet(text: str) -> bytes:
    return f"${text}#{sum(text.encode()) & 255:02x}".encode()


GREETINGS = {"qSupported": "PacketSize=1000", "qXfer:features:read:target.xml:0,ffb": "l<target/>"}


@contextlib.contextmanager
def stub(directory: Path, answers: dict[str, str], first: str = "") -> Iterator[tuple[str, list[str]]]:
    """A stub on a socket; what it was asked is kept.  It says `first` before anything else."""
    path = str(directory / "gdb")
    asked: list[str] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            channel, _ = server.accept()
            with channel:
                if first:
                    channel.sendall(packet(first))
                buffer = b""
                while more := channel.recv(4096):
                    buffer += more
                    while b"#" in buffer and len(buffer) >= buffer.index(b"#") + 3:
                        end = buffer.index(b"#")
                        text = buffer[buffer.index(b"$") + 1 : end].decode()
                        buffer = buffer[end + 3 :]
                        asked.append(text)
                        channel.sendall(b"+" + packet((GREETINGS | answers).get(text, "OK")))

        threading.Thread(target=serve, daemon=True).start()
        yield path, asked


def test_a_stop_that_is_told_late_is_no_answer(tmp_path: Path) -> None:
    with stub(tmp_path, {"mffff,2": "abcd"}, first="T05thread:01;") as (path, asked):
        gdb = Gdb(path)
        assert gdb.read(0xFFFF, 2) == b"\xab\xcd"
        gdb.insert(0x1000)
        assert asked[-1] == "Z0,1000,1"
        gdb.close()


def test_what_the_stub_refuses_is_an_error(tmp_path: Path) -> None:
    with stub(tmp_path, {"m0,1": "E14", "z0,0,1": "E22"}) as (path, _):
        gdb = Gdb(path)
        with pytest.raises(GdbError, match="0x0 cannot be read: E14"):
            gdb.read(0, 1)
        with pytest.raises(GdbError, match="E22"):
            gdb.remove(0)
        gdb.close()


def test_a_stop_names_the_processor_and_the_signal(tmp_path: Path) -> None:
    with stub(tmp_path, {"vCont;c": "T05thread:02;"}) as (path, _):
        gdb = Gdb(path)
        gdb.resume()
        assert gdb.running
        assert gdb.stopped(5) == ("02", 5)
        assert not gdb.running
        gdb.close()
