# SPDX-License-Identifier: MIT
"""Highlighting in editors knows every word of the language, and colours the corpus."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from cowpath.corpus.files import corpus
from cowpath.litmus.initial import BACKGROUND, NO_SWAP, OPTIONS, SWAP_DEVICES
from cowpath.litmus.statements import CALLS
from tests.tools import need

EDITORS = Path(__file__).parents[1] / "editors"
VIM = (EDITORS / "vim" / "syntax" / "litmus.vim").read_text("utf-8")
CODE = EDITORS / "vscode"
GRAMMAR = json.loads((CODE / "syntaxes" / "litmus.tmLanguage.json").read_text("utf-8"))

WORDS = {
    "Statement": set(CALLS),
    "Constant": {
        word
        for form in CALLS.values()
        for operand in form.operands
        for word in operand.words()
        if word[0].isalpha()
    },
    "Actor": set(BACKGROUND),
    "Setting": {"swap", "option", NO_SWAP, *SWAP_DEVICES, *OPTIONS},
}
SCOPES = {
    "Statement": "support.function.litmus",
    "Constant": "support.constant.litmus",
    "Actor": "support.function.actor.litmus",
    "Setting": "variable.language.litmus",
}


@pytest.mark.parametrize("group", WORDS)
def test_vim_knows_every_word(group: str) -> None:
    lines = VIM.replace("\n      \\", "").split("\n")
    (line,) = (line for line in lines if line.startswith(f"syntax keyword litmus{group} "))
    assert set(line.split()[3:]) == WORDS[group]


@pytest.mark.parametrize("group", WORDS)
def test_vs_code_knows_every_word(group: str) -> None:
    patterns = GRAMMAR["repository"]["words"]["patterns"]
    (pattern,) = (one["match"] for one in patterns if one["name"] == SCOPES[group])
    assert set(re.findall(r"\w+", pattern.replace("\\b", "").replace("?:", ""))) == WORDS[group]


def test_vs_code_finds_its_files_and_every_word_of_the_corpus_has_a_colour() -> None:
    package = json.loads((CODE / "package.json").read_text("utf-8"))["contributes"]
    for part in (package["languages"][0]["configuration"], package["grammars"][0]["path"]):
        assert json.loads((CODE / part).read_text("utf-8"))
    patterns = [one["match"] for one in GRAMMAR["repository"]["words"]["patterns"]]
    known = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    for file in corpus():
        text = re.sub(r"\(\*.*\*\)|^C .*$", "", file.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        for call in re.findall(r"\b(\w+)\(", text):
            assert known.fullmatch(call), f"{file}: {call}"


SHOW = """
set nocompatible
set runtimepath^={editors}/vim
filetype on
syntax on
edit {file}
for [line, column] in {places}
  call writefile([synIDattr(synID(line, column, 1), "name")], "{out}", "a")
endfor
quitall!
"""


def test_vim_colours_a_test(tmp_path: Path) -> None:
    need("vim")
    file, out, script = (tmp_path / name for name in ("t.litmus", "out", "script.vim"))
    file.write_text("C t\n(* a (* b *) fork *)\n{ char x[1] = \"a\"; kswapd(x); swap = zram; }\n"
                    "P0(char *x) { madvise(x, MADV_FREE); x[0] = 'b'; }\nexists (0:x[0]='b')\n")  # fmt: skip
    places = [[1, 1], [2, 15], [3, 3], [3, 15], [3, 20], [3, 38], [4, 1], [4, 15], [4, 26], [4, 45], [5, 1]]
    script.write_text(SHOW.format(editors=EDITORS, file=file, places=places, out=out))
    subprocess.run(["vim", "-es", "-u", str(script)], check=True, stdin=subprocess.DEVNULL, timeout=60)
    assert [name.removeprefix("litmus") for name in out.read_text().split()] == [
        "Header", "Comment", "Type", "String", "Actor", "Setting", "Thread", "Statement", "Constant",
        "Character", "Keyword",
    ]  # fmt: skip
