// A viewer's connection: one message comes for every wish sent, so the rig never sends more than is shown.
const WISHES = 2; // on their way at once, so that a long line does not lower the rate
const RETRY_MS = 1000;
const SAID = { 1000: "ended", 1003: "unknown", 1013: "refused" }; // codes with which the rig says why; others are connections that broke

export class Watcher {
  // onConnection is told whether the rig is there, and if it says why not, how it ended or what it refused: another
  // viewer, or a look that it does not know.
  constructor(looks, onPictures, onConnection) {
    Object.assign(this, { looks, onPictures, onConnection, socket: null, owed: 0 });
    document.addEventListener("visibilitychange", () => this.#wish());
  }

  start() {
    const address = new URL("watch", location.href); // relative, as every address here: a proxy may put a prefix before it
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    Object.assign(socket, { binaryType: "arraybuffer" });
    socket.onopen = () => {
      [this.socket, this.owed, this.last] = [socket, 0, 0];
      this.onConnection(true);
      this.#wish();
    };
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => {
      this.socket = null;
      this.onConnection(false, { [SAID[event.code] ?? "broken"]: event.reason });
      setTimeout(() => this.start(), RETRY_MS);
    };
  }

  // A hidden page wishes for nothing: nobody looks.
  #wish() {
    while (this.socket && !document.hidden && this.owed < WISHES) {
      this.socket.send(JSON.stringify({ looks: this.looks() }));
      this.owed += 1;
    }
  }

  async #take(data) {
    const size = new DataView(data).getUint32(0);
    const label = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
    let at = 4 + size;
    const blobs = label.bytes.map((length) => {
      at += length;
      return new Blob([new Uint8Array(data, at - length, length)]);
    });
    try {
      const images = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
      if (images.length && label.serial > this.last) {
        this.last = label.serial;
        this.onPictures(label, images);
      }
    } finally {
      this.owed -= 1;
      this.#wish();
    }
  }
}
