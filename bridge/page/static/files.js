// MIDI files to be clicked or dragged out of the page, right into a music program where the browser can do that.

import { find, mark } from "./dom.js";

const TYPE = "audio/midi";

/** The last bars, as a link that is live once there is something to keep. */
export function offerBars(state) {
  return offer(find("bars"), state);
}

/** All of the session: while it plays as a link, and kept here when it ends, even if another one begins. */
export function offerSession(state) {
  const kept = [find("session-file"), find("session-before")];
  kept.forEach(drags);
  return { ...offer(find("session-now"), state), keep: () => keep(kept) };
}

function offer(link, state) {
  drags(link);
  link.addEventListener("click", (event) => link.getAttribute("aria-disabled") === "true" && event.preventDefault());
  return { show: () => mark(link, "aria-disabled", String(!state.heard)) };
}

/** Fetch the session's file at once, for its server goes; whether there is one. */
async function keep(links) {
  try {
    const answer = await fetch("/session.mid", { cache: "no-store" });
    if (answer.status !== 200) return false;
    const before = links[0].href;
    const href = URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: TYPE }));
    for (const link of links) Object.assign(link, { href, download: named(answer) ?? "gapt-session.mid" });
    if (before) URL.revokeObjectURL(before);
    links[1].hidden = false;
    return true;
  } catch {
    return false;
  }
}

function named(answer) {
  return /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "")?.[1];
}

/** Chromium makes a file of a link that is dragged out of its window. */
function drags(link) {
  link.addEventListener("dragstart", (event) => {
    if (link.getAttribute("aria-disabled") === "true") return event.preventDefault();
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("DownloadURL", `${TYPE}:${link.download}:${link.href}`);
    event.dataTransfer.setData("text/uri-list", link.href);
  });
}
