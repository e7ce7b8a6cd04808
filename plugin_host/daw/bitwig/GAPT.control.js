// GAPT Bridge for Bitwig Studio: the chords as a note input; place, tempo, metre and play state to the bridge.
//
// It belongs into a folder of its own in Bitwig's “Controller Scripts” (Settings > Locations). It uses no more than
// version 17 of the controller API (Bitwig Studio 4.4 and later).

loadAPI(17);

host.setShouldFailOnDeprecatedUse(true);
host.defineController("GAPT", "GAPT Bridge", "1.0", "5b0ffb5e-6a0c-4a5e-9d9f-3f1d3c0a7e21", "The GAPT Bridge authors");
host.defineMidiPorts(1, 0);
host.addDeviceNameBasedDiscoveryPair(["GAPT Bridge out"], []);

const BRIDGE = "127.0.0.1";
const PORT = 9100;
const PLAYING_MS = 50;
const STOPPED_MS = 500;

let transport = null;
let bridge = null;
let failed = false;
let waited = 0;

function init() {
  // Notes, on every channel, and the controllers that end them.
  host.getMidiInPort(0).createNoteInput("GAPT chords", "8?????", "9?????", "B?????");

  transport = host.createTransport();
  transport.playPosition().markInterested();
  transport.tempo().value().addRawValueObserver(tell);
  transport.timeSignature().numerator().addValueObserver(tell, 4);
  transport.timeSignature().denominator().addValueObserver(tell, 4);
  transport.isPlaying().addValueObserver(tell);

  const port = host.getPreferences().getNumberSetting("UDP port", "GAPT Bridge", 1024, 65535, 1, "", PORT);
  const used = Math.round(port.getRaw());
  // A connection can be made only here.
  port.addRawValueObserver(function (wanted) {
    if (Math.round(wanted) !== used) {
      host.restart();
    }
  });
  const module = host.getOscModule();
  bridge = module.connectToUdpServer(BRIDGE, used, module.createAddressSpace());
  tell();
  again();
}

// The place is exact at the moment of sending, so it is told often while it moves.
function again() {
  waited += PLAYING_MS;
  if (transport.isPlaying().get() || waited >= STOPPED_MS) {
    tell();
  }
  host.scheduleTask(again, PLAYING_MS);
}

function tell() {
  if (bridge === null) {
    return;
  }
  waited = 0;
  const metre = transport.timeSignature();
  say(
    "/gapt/host",
    transport.playPosition().get(),
    transport.tempo().value().getRaw(),
    transport.isPlaying().get() ? 1 : 0,
    metre.numerator().get(),
    metre.denominator().get()
  );
}

function say(address, ...values) {
  try {
    bridge.sendMessage(address, ...values);
    failed = false;
  } catch (error) {
    // Nobody may listen yet; one line says so, and the next call tries again.
    if (!failed) {
      println("GAPT Bridge is not heard: " + error);
    }
    failed = true;
  }
}

function flush() {}

function exit() {
  if (bridge !== null) {
    say("/gapt/panic", 1);
  }
}
