// As much of Bitwig's controller API (version 17) as our script may use. Whatever is not here, a call with other numbers or
// kinds of arguments, a value read that nobody is interested in, or a connection made too late, is an error.
//
// Signatures: the package typed-bitwig-api 17.0.1, made from Bitwig's own documentation of the API.

function bitwig() {
  const world = { time: 0, tasks: [], sent: [], printed: [], defined: {}, inputs: [], restarts: 0, phase: "loading" };
  world.values = { position: 0, bpm: 120, playing: false, numerator: 4, denominator: 4, port: 9100 };
  world.refuse = false;
  const observers = {};
  const interested = new Set();

  const kinds = {
    string: value => typeof value === "string",
    int: value => Number.isInteger(value),
    number: value => typeof value === "number" && Number.isFinite(value),
    boolean: value => typeof value === "boolean",
    function: value => typeof value === "function",
    strings: value => Array.isArray(value) && value.every(item => typeof item === "string"),
    object: value => typeof value === "object" && value !== null,
  };

  // Functions by name, each with the kinds of its arguments; a last kind "...kind" is for any number of them.
  function strict(name, functions) {
    const made = {};
    for (const [key, [wanted, does]] of Object.entries(functions)) {
      made[key] = (...given) => {
        const last = wanted.length ? wanted[wanted.length - 1] : "";
        const many = last.startsWith("...");
        const fixed = many ? wanted.slice(0, -1) : wanted;
        if (given.length < fixed.length || (!many && given.length > fixed.length)) {
          throw new Error(`${name}.${key} takes ${wanted.length} arguments, not ${given.length}`);
        }
        given.forEach((value, index) => {
          const kind = index < fixed.length ? fixed[index] : last.slice(3);
          if (kind !== "any" && !kinds[kind](value)) {
            throw new Error(`${name}.${key} takes a ${kind}, not ${String(value)}`);
          }
        });
        return does(...given);
      };
    }
    return new Proxy(made, {
      get(target, key) {
        if (!(key in target)) throw new Error(`${name}.${String(key)} is not in the API`);
        return target[key];
      },
    });
  }

  const during = (phase, does) => (...given) => {
    if (world.phase !== phase) throw new Error(`not during ${world.phase}`);
    return does(...given);
  };

  const read = key => () => {
    if (!interested.has(key)) throw new Error(`${key} is read, and nobody is interested in it`);
    return world.values[key];
  };

  const observe = key => during("init", callback => {
    interested.add(key);
    (observers[key] = observers[key] || []).push(callback);
    callback(world.values[key]);
  });

  const value = (name, key, reader, observer) =>
    strict(name, {
      markInterested: [[], during("init", () => interested.add(key))],
      [reader]: [[], read(key)],
      ...observer,
    });

  const transport = strict("Transport", {
    playPosition: [[], () => value("BeatTimeValue", "position", "get", {})],
    tempo: [[], () => strict("Parameter", {
      value: [[], () => value("RangedValue", "bpm", "getRaw", { addRawValueObserver: [["function"], observe("bpm")] })],
    })],
    timeSignature: [[], () => strict("TimeSignatureValue", {
      numerator: [[], () =>
        value("IntegerValue", "numerator", "get", { addValueObserver: [["function", "int"], observe("numerator")] })],
      denominator: [[], () =>
        value("IntegerValue", "denominator", "get", { addValueObserver: [["function", "int"], observe("denominator")] })],
    })],
    isPlaying: [[], () =>
      value("BooleanValue", "playing", "get", { addValueObserver: [["function"], observe("playing")] })],
  });

  const osc = strict("OscModule", {
    createAddressSpace: [[], during("init", () => strict("OscAddressSpace", {}))],
    connectToUdpServer: [["string", "int", "object"], during("init", (to, port) => {
      world.connected = [to, port];
      return strict("OscConnection", {
        sendMessage: [["string", "...any"], (...message) => {
          if (world.refuse) throw new Error("port unreachable");
          world.sent.push(message);
        }],
      });
    })],
  });

  world.host = strict("host", {
    setShouldFailOnDeprecatedUse: [["boolean"], () => {}],
    defineController: [["string", "string", "string", "string", "string"], during("loading", (...words) => {
      world.defined.controller = words;
    })],
    defineMidiPorts: [["int", "int"], during("loading", (ins, outs) => {
      world.defined.ports = [ins, outs];
    })],
    addDeviceNameBasedDiscoveryPair: [["strings", "strings"], during("loading", (ins, outs) => {
      if (ins.length !== world.defined.ports[0] || outs.length !== world.defined.ports[1]) {
        throw new Error("as many names as ports");
      }
      world.defined.names = [ins, outs];
    })],
    getMidiInPort: [["int"], during("init", index => {
      if (index >= world.defined.ports[0]) throw new Error(`there is no port ${index}`);
      return strict("MidiIn", {
        createNoteInput: [["string", "...string"], (name, ...masks) => {
          for (const mask of masks) if (!/^[0-9A-F?]{6}$/.test(mask)) throw new Error(`no mask: ${mask}`);
          world.inputs.push([name, ...masks]);
          return strict("NoteInput", {});
        }],
      });
    })],
    createTransport: [[], during("init", () => transport)],
    getPreferences: [[], during("init", () => strict("Preferences", {
      getNumberSetting: [["string", "string", "number", "number", "number", "string", "number"],
        (label, category, low, high, step, unit, first) => {
          world.setting = [label, category, low, high, step, unit, first];
          return strict("SettableRangedValue", {
            getRaw: [[], () => world.values.port],
            addRawValueObserver: [["function"], observe("port")],
          });
        }],
    }))],
    getOscModule: [[], during("init", () => osc)],
    scheduleTask: [["function", "int"], (task, delay) => world.tasks.push([world.time + delay, task])],
    restart: [[], () => { world.restarts += 1; }],
  });

  world.change = changes => {
    Object.assign(world.values, changes);
    for (const key of Object.keys(changes)) for (const callback of observers[key] || []) callback(changes[key]);
  };
  world.wait = delay => {
    const end = world.time + delay;
    for (;;) {
      world.tasks.sort((one, other) => one[0] - other[0]);
      if (!world.tasks.length || world.tasks[0][0] > end) break;
      const [time, task] = world.tasks.shift();
      world.time = time;
      task();
    }
    world.time = end;
  };

  // Loads a script; gives its three functions.
  world.load = code => {
    let api = 0;
    const names = ["host", "loadAPI", "println"];
    const given = [world.host, version => { api = version; }, line => world.printed.push(line)];
    const parts = new Function(...names, `"use strict"; ${code}\nreturn { init, flush, exit };`)(...given);
    if (!(api >= 1)) throw new Error("no loadAPI");
    world.api = api;
    world.phase = "loaded";
    return {
      init: () => { world.phase = "init"; parts.init(); world.phase = "running"; },
      flush: parts.flush,
      exit: parts.exit,
    };
  };
  return world;
}
