// The way to the bridge: a WebSocket that is opened again whenever it is gone, and says so.

const FIRST_WAIT_SECONDS = 0.25;
const LONGEST_WAIT_SECONDS = 5;
const SILENT_SECONDS = 6;
const PING_SECONDS = 2;
const FIRST_PINGS = 4;
const TRY_LATER = 1013;

export class Link {
  /**
   * `take(message)` gets what comes; `tell(how)` is told of each change: `how.state` is `open`, `lost` or `strange`
   * (the bridge is there and does not know this device) or `full` (it has too many pages), `how.wait` the seconds until the next try.
   */
  constructor(clock, take, tell) {
    this.clock = clock;
    this.take = take;
    this.tell = tell;
    this.state = "new";
    this.failures = 0;
    this.socket = null;
    this.timer = null;
    addEventListener("online", () => this.again());
    document.addEventListener("visibilitychange", () => document.hidden || this.again());
    setInterval(() => this.#watch(), 1000);
  }

  open() {
    clearTimeout(this.timer);
    this.timer = null;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.socket = socket;
    this.pings = 0;
    this.heard = this.asked = this.clock.now();
    socket.addEventListener("message", (event) => socket === this.socket && this.#take(JSON.parse(event.data)));
    socket.addEventListener("close", ({ code }) => socket === this.socket && this.#lost(code === TRY_LATER ? "full" : "lost"));
  }

  /** Try now, not when the time has come. */
  again() {
    if (this.timer !== null) this.open();
  }

  /** Ask the bridge to set a parameter; false while there is no way to it. */
  set(name, value) {
    return this.#send({ type: "set", name, value });
  }

  #take(message) {
    this.heard = this.clock.now();
    if (message.type === "hello") {
      this.clock.forget();
      this.clock.guess(message.seconds);
      this.failures = 0;
      this.take(message);
      this.#tell("open");
      this.#ping();
    } else if (message.type === "pong") {
      this.clock.pong(message.client, message.seconds);
      if (this.pings < FIRST_PINGS) this.#ping();
    } else {
      this.take(message);
    }
  }

  #watch() {
    if (this.socket === null) return;
    const now = this.clock.now();
    // A network that is gone does not close anything: silence does.
    if (now - this.heard > SILENT_SECONDS) this.#lost();
    else if (now - this.asked > PING_SECONDS) this.#ping();
  }

  #ping() {
    this.asked = this.clock.now();
    this.pings += 1;
    this.#send({ type: "ping", client: this.asked });
  }

  #send(message) {
    if (this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  #lost(how = "lost") {
    const socket = this.socket;
    this.socket = null;
    socket.close();
    const wait = Math.min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** this.failures);
    this.failures += 1;
    this.timer = setTimeout(() => this.open(), 1000 * wait);
    // Whoever is barred stays so until the bridge itself says otherwise.
    if (this.state !== "strange") this.#tell(how, wait);
    // A refused handshake looks like a dead server; the page itself tells them apart.
    if (this.failures > 1) this.#ask(wait);
  }

  async #ask(wait) {
    const status = await fetch("/", { cache: "no-store" }).then((answer) => answer.status).catch(() => 0);
    if (this.socket?.readyState === WebSocket.OPEN) return;
    if (status === 401 || status === 403) this.#tell("strange");
    else if (this.state === "strange") this.#tell("lost", wait);
  }

  #tell(state, wait = 0) {
    this.state = state;
    this.tell({ state, wait });
  }
}
