// SPDX-License-Identifier: MIT
// Reads a frame through the description of its records.  It knows fields and pointers, and no kernel.

/** The records of one test on one kernel. */
export class Model {
  constructor(test) {
    this.test = test;
    this.kinds = test.picture.kinds;
    this.values = test.picture.values;
    this.records = test.picture.records.map((record) => this.withFields(record));
    this.byName = new Map(this.records.map((record) => [record.name, record]));
  }

  withFields(record) {
    const kind = this.kinds[record.kind];
    let at = record.at;
    const fields = kind.fields.map((field) => {
      const placed = { ...field, at };
      at += field.length ?? 1;
      return placed;
    });
    return { ...record, kind, fields };
  }

  /** The records of one kind, by its name. */
  ofKind(name) { return this.records.filter((record) => record.kind.name === name); }

  /** The value of a field as text. */
  text(field, code) {
    if (field.type === "choice") return field.names[code];
    if (field.type === "contents") return this.values[code];
    if (field.type === "pointer") return code ? this.ofKind(field.target)[code - 1].name : "none";
    return String(code);
  }

  /** Where a pointer field leads; null where nowhere. */
  target(field, cells) {
    const code = cells[field.at];
    return code ? this.ofKind(field.target)[code - 1].name : null;
  }

  /** Whether there is nothing in a record that a reader would care for; with `all`, nothing at all. */
  blank(record, cells, all = false) {
    return record.fields.every((field) => (field.quiet && !all) || field.type === "contents" || cells[field.at] === 0);
  }

  /** Whether what a name stands for is there: a process while it is alive, anything else while it is not blank. */
  inUse(name, cells) {
    const own = this.records.filter((record) => record.name.startsWith(`${name}.`));
    const alive = own.flatMap((record) => record.fields).find((field) => field.name === "alive");
    return alive ? cells[alive.at] > 0 : own.some((record) => !this.blank(record, cells));
  }

  /** Names of fields, by kind, that are not zero in some frame: those are shown even where they are zero. */
  used(frames) {
    const found = new Set();
    for (const record of this.records) {
      for (const field of record.fields) {
        if (field.type === "count" && !field.quiet && frames.some((frame) => frame.cells[field.at])) {
          found.add(`${record.kind.name}.${field.name}`);
        }
      }
    }
    return found;
  }
}

/** What a step changed, by name: [before, after]. */
export function changesOf(step) {
  return new Map((step?.changes ?? []).map(([name, before, after]) => [name, [before, after]]));
}

/** The changes a reader cares for. */
export function visible(step) {
  return step.changes.filter((change) => !change[3]);
}
