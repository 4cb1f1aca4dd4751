# SPDX-License-Identifier: MIT
"""The reliability table for programs."""

from __future__ import annotations

import json
from typing import Any

from cowpath.corpus.situations import ReferenceKind, Situation
from cowpath.history.eras import Column
from cowpath.litmus.print import to_text
from cowpath.survey.reliability import MEANING, Table, TableCell


def document(table: Table) -> str:
    """The table as a JSON object: its columns, and every cell with its test."""
    columns = [column_object(column) for column in table.columns]
    cells = [cell_object(*key, cell) for key, cell in table.cells.items()]
    whole = {"verdicts": MEANING, "columns": columns, "cells": cells}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def column_object(column: Column) -> dict[str, Any]:
    """A column: the kernel that stands for it."""
    version = column.version
    return {
        "title": column.title,
        "kernel": str(version.release),
        "arch": version.architecture,
        "with": [change.name for change in version.added],
        "without": [change.name for change in version.dropped],
    }


def cell_object(kind: ReferenceKind, situation: Situation, column: Column, cell: TableCell) -> dict[str, Any]:
    """A cell; keys that say nothing are left out."""
    shown: dict[str, Any] = {
        "reference": kind.name,
        "flags": kind.title,
        "situation": situation.name,
        "column": column.title,
        "verdict": cell.verdict,
        "promised": cell.promised,
        "broken": cell.broken,
        "states": cell.states,
        "test": to_text(situation.test(kind)),
    }
    optional = {
        "outcome": cell.outcome,
        "trace": cell.trace.text if cell.trace else "",
        "message": cell.message,
    }
    return shown | {name: value for name, value in optional.items() if value}
