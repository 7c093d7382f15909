// The keys of a group of buttons of which one is chosen: arrows choose the next, and the tab key stops at that one alone.
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

export function chooseByKeys(group) {
  const buttons = () => [...group.querySelectorAll("[role=radio]")];
  const lay = () => {
    const chosen = buttons().find((button) => button.getAttribute("aria-checked") === "true") ?? buttons()[0];
    for (const button of buttons()) button.tabIndex = button === chosen ? 0 : -1;
  };
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const ends = { Home: 0, End: all.length - 1 };
    const to = event.key in STEPS ? (at + STEPS[event.key] + all.length) % all.length : ends[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[to].focus();
    all[to].click();
  });
  new MutationObserver(lay).observe(group, { childList: true, subtree: true, attributeFilter: ["aria-checked"] });
  lay();
}
