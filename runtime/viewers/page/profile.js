// The profile of a line: temperatures from one end to the other as a small chart, with gaps if none was measured.
const HIGH = 32, WIDE = 100, MARGIN = 2;

export function drawProfile(figure, profile) {
  const measured = profile.filter((value) => value !== null);
  figure.hidden = measured.length < 2;
  if (figure.hidden) return;
  const [low, high] = [Math.min(...measured), Math.max(...measured)];
  const across = (at) => ((at / (profile.length - 1)) * WIDE).toFixed(1);
  const up = (value) => (HIGH - MARGIN - ((value - low) / (high - low || 1)) * (HIGH - 2 * MARGIN)).toFixed(1);
  let pen = "M";
  const steps = profile.map((value, at) => {
    if (value === null) { pen = "M"; return ""; }
    const step = `${pen}${across(at)} ${up(value)}`;
    pen = "L";
    return step;
  });
  figure.querySelector("path").setAttribute("d", steps.join(""));
  figure.querySelector("figcaption").textContent = `${profile.length} pixels, from its first end`;
}
