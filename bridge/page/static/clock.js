// Time: the session's seconds in this browser, and a playhead that moves evenly. Knows no page.

const KEPT_PINGS = 8;
const DRIFT_SECONDS = 0.02;
const CATCH_UP_SECONDS = 0.25;
const LEAP_BEATS = 1.0;

/** Tells the session's seconds. Of the last pings, the one that was on its way for the shortest time is believed. */
export class Clock {
  constructor(now = () => performance.now() / 1000) {
    this.now = now;
    this.forget();
  }

  /** Another session, another clock. */
  forget() {
    this.pings = [];
    this.ahead = 0;
  }

  /** A first guess, from a message that was on its way for nobody knows how long. */
  guess(seconds) {
    if (!this.pings.length) this.ahead = seconds - this.now();
  }

  /** The answer to a ping that left here at `sent` (our seconds): it was `seconds` there. */
  pong(sent, seconds) {
    const came = this.now();
    const ping = { trip: came - sent, ahead: seconds - (sent + came) / 2 };
    // A device that slept may not have counted meanwhile: what the pings of before said cannot be any more.
    this.pings = this.pings.filter(({ trip, ahead }) => Math.abs(ping.ahead - ahead) <= (ping.trip + trip) / 2 + DRIFT_SECONDS);
    this.pings.push(ping);
    if (this.pings.length > KEPT_PINGS) this.pings.shift();
    this.ahead = this.pings.reduce((best, ping) => (ping.trip < best.trip ? ping : best)).ahead;
  }

  /** The session's seconds now. */
  seconds() {
    return this.now() + this.ahead;
  }
}

/** The place that is drawn: it follows the true one, never steps back for a trifle, and leaps only with the music. */
export class Playhead {
  constructor() {
    this.place = null;
  }

  /** The place `elapsed` seconds after the last call; `target` is the true place, `speed` beats a second. */
  advance(target, speed, elapsed) {
    const error = this.place === null ? Infinity : target - (this.place + speed * elapsed);
    if (Math.abs(error) > LEAP_BEATS) {
      this.place = target;
    } else {
      const step = speed * elapsed + error * (1 - Math.exp(-elapsed / CATCH_UP_SECONDS));
      this.place += speed > 0 ? Math.max(0, step) : step;
    }
    return this.place;
  }
}
