"use strict";
// One tab of a card: show its panel, hide the others.
function open(tab) {
  for (const other of tab.parentElement.children) {
    const chosen = other === tab;
    other.setAttribute("aria-selected", chosen);
    other.tabIndex = chosen ? 0 : -1;
    document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
  }
}
for (const tabs of document.querySelectorAll("[role=tablist]")) {
  tabs.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) open(tab);
  });
  tabs.addEventListener("keydown", (event) => {
    const all = [...tabs.children];
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    open(next);
    next.focus();
    event.preventDefault();
  });
}
// The row above the cards: the same method on all of them.
const everywhere = [...document.querySelectorAll("[data-all]")];
for (const button of everywhere) {
  button.addEventListener("click", () => {
    for (const other of everywhere) other.setAttribute("aria-pressed", other === button);
    document.querySelectorAll(`[data-method="${button.dataset.all}"]`).forEach(open);
  });
}
