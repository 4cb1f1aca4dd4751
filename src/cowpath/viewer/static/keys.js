// SPDX-License-Identifier: MIT
// The keyboard.  Keys keep their meaning in fields and with modifiers, and space its own on buttons.

/** Listen; `actions` are those of main.js. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("select, input, textarea")) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    const action = actionFor(event.key, actions);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function actionFor(key, actions) {
  if (/^[1-9]$/.test(key)) return () => actions.press(`move-${Number(key) - 1}`);
  return {
    ArrowRight: actions.forward,
    ArrowLeft: actions.back,
    Home: actions.home,
    End: actions.end,
    " ": actions.play,
    j: actions.worst,
    d: actions.toFirst,
    b: actions.toggleAll,
  }[key];
}
