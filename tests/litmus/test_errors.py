# SPDX-License-Identifier: MIT
"""What is said about bad input: in full text, and always as a LitmusError."""

import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowpath.litmus.errors import LitmusError, excerpt
from cowpath.litmus.print import to_text
from cowpath.litmus.resolve import load_program, program_from_text
from cowpath.litmus.source import MAX_BYTES
from cowpath.litmus.syntax import _GROUPS, _WORDS
from tests.strategies import valid_trees

GOLDEN = Path(__file__).with_name("errors.txt")

GOOD = """C t
(* A test. *)
{ char x[2] = "ab"; swap = ssd; kswapd(x); }
P0(char *x)
{
    ref_t g = get_user_page(x, FOLL_WRITE);
    char r0 = x[1];
    x[1] = 'c';
    device_write(g, 0, r0);
    put_page(g);
    fork(P1);
}
P1(char *x) { mprotect(x, PROT_READ | PROT_WRITE); }
exists (0:r0='a' /\\ ~(1:x[0]='a' \\/ copies=1))
"""

PIECES = (
    *"{}()[];,=*|:~'\"0a\n\t\\\x1b\u6f22\ud800",
    "(*",
    "*)",
    "//",
    "char",
    "exists",
    "P0",
    "x[0]",
    "/\\",
)


def golden() -> list[tuple[str, str]]:
    """The (test, message) pairs of errors.txt."""
    blocks = GOLDEN.read_text("utf-8").split("\n####\n")[1:]
    return [tuple(block.removesuffix("\n").split("\n====\n")) for block in blocks]  # type: ignore[misc]


@pytest.mark.parametrize(("text", "message"), golden())
def test_message(text: str, message: str) -> None:
    with pytest.raises(LitmusError) as caught:
        program_from_text(text, "t.litmus")
    assert str(caught.value) == message


def test_messages_speak_the_language() -> None:
    """No name of a terminal or of lark reaches the user."""
    everything = "\n".join(message for _, message in golden())
    for terminal in {*_WORDS, "__ANON", "Token("} - {"C", "OF", "OR", "AND", "NOT", "CHAR"}:
        assert terminal not in everything


def test_every_terminal_has_words() -> None:
    from cowpath.litmus.grammar import parser

    grouped = set().union(*(group for group, _ in _GROUPS))
    assert {terminal.name for terminal in parser().terminals} <= {*_WORDS, *grouped, "__IGNORE_0"}


@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.sampled_from(PIECES))
@settings(max_examples=400, deadline=None)
def test_a_damaged_test_is_a_litmus_error_or_fine(start: int, removed: int, inserted: str) -> None:
    check_only_litmus_errors(GOOD[:start] + inserted + GOOD[start + removed :])


@given(valid_trees(statements=3), st.data())
@settings(max_examples=60, deadline=None)
def test_a_damaged_random_test_is_a_litmus_error_or_fine(litmus: object, data: st.DataObject) -> None:
    text = to_text(litmus)  # type: ignore[arg-type]
    start = data.draw(st.integers(0, len(text)))
    check_only_litmus_errors(text[:start] + text[start + data.draw(st.integers(1, 20)) :])


@given(st.text() | st.lists(st.sampled_from(PIECES)).map(" ".join))
@settings(max_examples=200, deadline=None)
def test_junk_is_a_litmus_error(junk: str) -> None:
    check_only_litmus_errors(junk)
    check_only_litmus_errors("C t " + junk)


@given(st.binary())
@settings(max_examples=100, deadline=None)
def test_a_junk_file_is_a_litmus_error(tmp_path_factory: pytest.TempPathFactory, junk: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "junk.litmus"
    path.write_bytes(junk)
    with pytest.raises(LitmusError):
        load_program(path)


def check_only_litmus_errors(text: str) -> None:
    """Whatever the text, the only complaint is a LitmusError, and it can be shown."""
    error = None
    try:
        program_from_text(text)
    except LitmusError as caught:
        error = caught
    if error is not None:
        assert all(line.isprintable() for line in str(error).split("\n"))
        assert error.position.line <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"C t\n\xff\n", "not a text file: line 2 is not UTF-8"),
        (b"C t\n\n\0", "not a text file: line 3 has a NUL byte"),
        (b" " * (MAX_BYTES + 1), "larger than 1000 kB: this is not a litmus test"),
        (b"C t {" + b"x=y;" * 13_000, "more than 50 kB outside comments: this is not a litmus test"),
    ],
)
def test_what_is_no_litmus_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.litmus"
    path.write_bytes(content)
    with pytest.raises(LitmusError) as caught:
        load_program(path)
    assert str(caught.value) == f"{path}: {message}"


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path, reason in (
        (tmp_path, "this is a directory, not a litmus test"),
        (tmp_path / "missing", "no such file"),
        (tmp_path / "loop", "cannot be read: Too many levels of symbolic links"),
    ):
        with pytest.raises(LitmusError) as caught:
            load_program(path)
        assert str(caught.value) == f"{path}: {reason}"
    with pytest.raises(LitmusError):
        load_program("nul\0name")


def test_a_byte_order_mark_and_dos_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "t.litmus"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_program(path) == program_from_text(GOOD)


def test_a_condition_may_not_exhaust_the_stack() -> None:
    for nest in ("~" * 5_000 + "crash", "(" * 5_000 + "crash" + ")" * 5_000):
        check_only_litmus_errors("C t {} P0() {} exists " + nest)


def test_errors_travel_between_processes() -> None:
    with pytest.raises(LitmusError) as caught:
        program_from_text("C t", "t")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_marker_stands_under_the_token() -> None:
    assert excerpt("\t\tx\ty = 1;", 5, 1) == "    x y = 1;\n      ^"
    assert excerpt("(* \u6f22\u5b57 *) bad;", 10, 3) == "    (* \u6f22\u5b57 *) bad;\n" + " " * 15 + "^~~"
    assert excerpt("e\u0301 bad", 4, 3) == "    e\u0301 bad\n      ^~~"


def test_a_long_line_is_shown_around_the_token() -> None:
    shown, marker = excerpt("a" * 500 + " bad " + "b" * 500, 502, 3).split("\n")
    assert len(shown) < 100
    assert shown[marker.index("^") :].startswith("bad")
