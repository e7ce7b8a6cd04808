// What is said over the roll when the bridge is not there.

import { find, write } from "./dom.js";

export class Veil {
  constructor(again) {
    this.element = find("veil");
    this.button = find("again");
    this.button.addEventListener("click", again);
    this.over = false;
  }

  /** The way to the bridge is open, lost or barred. */
  linked({ state, wait }, { session }) {
    if (state === "open") return this.#lift();
    if (state === "strange") {
      this.#say("This device is not known here", "Open the newest address that the bridge has printed where it was started.");
    } else if (state === "full") {
      this.#say("There are too many pages", "Close one of the others, and this one goes on.");
    } else if (this.over) {
      this.#say("The session has ended", "Start the bridge again, and this page joins it; a tablet needs its new link.");
    } else if (session === null && wait < 1) {
      this.#say("Looking for the bridge", "");
    } else {
      const when = wait < 1 ? "Trying again." : `Trying again in ${Math.round(wait)} seconds.`;
      this.#say("The connection is lost", `The music does not depend on this page. ${when}`);
    }
  }

  /** The session has ended; `file` comes to a file of all of it, or nothing. */
  async ended(file) {
    this.over = true;
    this.linked({ state: "ended" }, {});
    const link = await file;
    if (link && this.over) find("session-file").hidden = false;
  }

  #lift() {
    this.over = false;
    this.element.hidden = true;
    find("session-file").hidden = true;
  }

  #say(title, text) {
    this.element.hidden = false;
    this.button.hidden = this.over;
    write(find("veil-title"), title);
    write(find("veil-text"), text);
  }
}
