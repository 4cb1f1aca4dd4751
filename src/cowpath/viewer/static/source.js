// SPDX-License-Identifier: MIT
// Where the documents come from: the local server, or the page itself.

/** The server's API. */
class ServerSource {
  live = true;
  /** Which test of a library; nothing where the server has one test. */
  of = new URLSearchParams(location.search).get("of");

  async ask(what, asked = {}) {
    const parameters = this.of === null ? asked : { ...asked, of: this.of };
    const response = await fetch(`/api/${what}?${new URLSearchParams(parameters)}`).catch(() => {
      throw new Error("cowpath explore has ended. Start it again with the same --port and reload this page.");
    });
    const document = await response.json();
    if (document.error) throw new Error(document.error);
    return document;
  }
  overview() { return this.ask("overview"); }
  verdict(kernel) { return this.ask("verdict", { kernel }); }
  /** What is there to look at before the result is, and its paths. */
  sketch(kernel) { return this.ask("sketch", { kernel }); }
  walk(kernel, path) { return this.ask("walk", { kernel, path }); }
  /** The result on a kernel; `told` hears how far the search is meanwhile. */
  async test(kernel, told) {
    const asking = setInterval(() => this.ask("progress", { kernel }).then((found) => told(found), () => {}), 500);
    try {
      return await this.ask("test", { kernel });
    } finally {
      clearInterval(asking);
    }
  }
  jump(kernel, goal) { return this.ask("jump", { kernel, goal }).then((found) => found.path); }
  follow(kernel, path, other) { return this.ask("follow", other ? { kernel, path, other } : { kernel, path }); }
}

/** A page that was mailed: it holds one path for each outcome it knows. */
class LoneSource {
  live = false;

  constructor(data) {
    this.data = data;
    this.select(0);
  }
  /** The first test of which something is broken, and the kernel that breaks it. */
  worst() { return Math.max(0, this.data.tests.findIndex((test) => test.runs.some((run) => run.verdict === "broken"))); }
  worstKernel() { return (this.shown.runs.find((run) => run.verdict === "broken") ?? this.shown.runs[0]).kernel; }
  /** Another of the tests in the page. */
  select(number) {
    this.number = number;
    this.shown = this.data.tests[number];
  }
  run(kernel) { return this.shown.runs.find((run) => run.kernel === kernel) ?? this.shown.runs[0]; }
  async overview() { return this.shown.overview; }
  async verdict(kernel) {
    const run = this.run(kernel);
    return { kernel, verdict: run.verdict, words: run.words };
  }
  async test(kernel) {
    const run = this.run(kernel);
    const picture = this.data.pictures[run.picture];
    return { ...run, picture: { ...picture, kinds: picture.kinds.map((kind) => this.data.kinds[kind]) } };
  }
  async jump(kernel, goal) {
    const found = this.run(kernel).paths.find((path) => path.goal === goal);
    if (!found) throw new Error("This page does not hold that path: cowpath trace shows it.");
    return found.path;
  }
  async follow(kernel, path) {
    const run = this.run(kernel);
    const found = run.paths.find((known) => known.path === path) ?? run.paths[0];
    return { ...found, frames: expand(found.frames), problem: "" };
  }
}

/** Frames in full: each holds only what differs from the one before it. */
function expand(frames) {
  const full = [];
  for (const frame of frames) {
    const before = full.at(-1) ?? { cells: [], words: {}, raw: {}, actors: [] };
    const cells = [...before.cells];
    for (const [cell, value] of frame.cells) cells[cell] = value;
    const actors = [...before.actors];
    for (const [actor, stand] of frame.actors) actors[actor] = stand;
    full.push({ ...frame, cells, actors, words: { ...before.words, ...frame.words }, raw: frame.raw ?? before.raw });
  }
  return full;
}

/** The source of this page: what is inside it, packed, or the server. */
export async function source() {
  const embedded = document.getElementById("data");
  if (!embedded) return new ServerSource();
  const packed = Uint8Array.from(atob(embedded.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new LoneSource(await new Response(stream).json());
}
