// The picture on the whole screen: by the browser, or, where it does not do that, over the whole page.
export function offerFullScreen(stage, button) {
  const show = (on) => {
    stage.classList.toggle("filled", on);
    button.setAttribute("aria-pressed", on);
    const words = on ? "Leave the full screen" : "Full screen";
    button.setAttribute("aria-label", words);
    button.title = `${words} (f)`;
  };
  const open = async () => {
    try {
      await stage.requestFullscreen(); // phones of some makers have none for a page
    } catch {
      show(true);
    }
  };
  button.addEventListener("click", () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.classList.contains("filled")) show(false);
    else open();
  });
  document.addEventListener("fullscreenchange", () => show(document.fullscreenElement === stage));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && stage.classList.contains("filled") && !document.fullscreenElement) show(false);
  });
}
