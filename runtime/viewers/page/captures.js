// What was kept: snapshots and recordings, newest first, with small pictures and links to the files.
const $ = (id) => document.getElementById(id);
const FEW = 6; // before all are asked for
const MB = 1e6;
let all = false, told = null;

const size = (bytes) => (bytes < MB ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / MB).toFixed(1)} MB`);
const address = (folder, name) => `${folder}/${encodeURIComponent(name)}`;

function when(utc) {
  const moment = new Date(utc);
  if (Number.isNaN(moment.valueOf())) return "";
  const time = moment.toLocaleTimeString("en-GB");
  return moment.toDateString() === new Date().toDateString() ? time : `${moment.toLocaleDateString("en-CA")} ${time}`;
}

function card({ utc, kind, files }) {
  const item = document.createElement("li");
  const name = `${kind === "snapshot" ? "Snapshot" : "Recording"} of ${when(utc)}`;
  const picture = Object.assign(document.createElement("a"), { href: address("captures", files[0].name), target: "_blank", rel: "noopener" });
  const small = Object.assign(new Image(), { src: address("thumbnails", files[0].name), alt: name, loading: "lazy", width: 192, height: 144 });
  picture.className = kind;
  picture.append(small);
  const links = document.createElement("p");
  for (const file of files) {
    const side = file.name.replace(/^.*-(\w+)\.png$/, "$1").replace(/^.*\.mp4$/, "video");
    const link = Object.assign(document.createElement("a"), { href: address("captures", file.name), download: file.name, textContent: side });
    link.title = `Download ${file.name}, ${size(file.bytes)}`;
    links.append(link, " ");
  }
  item.append(picture, Object.assign(document.createElement("small"), { textContent: when(utc) }), links);
  return item;
}

function show() {
  const { captures, more } = told;
  const shown = captures.slice(0, all ? captures.length : FEW);
  $("captures").hidden = captures.length === 0;
  const before = new Map([...$("shelf").children].map((item) => [item.dataset.key, item]));
  $("shelf").replaceChildren(...shown.map((one) => { // those that are there stay: their pictures are not asked for again
    const key = JSON.stringify(one);
    const item = before.get(key) ?? card(one);
    item.dataset.key = key;
    return item;
  }));
  const rest = captures.length - shown.length;
  $("captures-all").hidden = rest === 0 && !(all && more);
  $("captures-all").disabled = rest === 0;
  $("captures-all").textContent = rest ? `Show ${rest} more` : `${more} older ones are in the folder`;
}

export async function showCaptures() {
  const reply = await fetch("captures");
  if (!reply.ok) return;
  told = await reply.json();
  show();
}

$("captures-all").addEventListener("click", () => {
  all = true;
  show();
});
