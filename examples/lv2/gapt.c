/* GAPT Bridge as an LV2 plug-in: the track's notes and the host's place go out by OSC, chords come in as notes.

   It shows the protocol of docs/osc-plugin.md at work and is no product: it sends from the audio thread, which a
   socket on this computer that never blocks makes bearable. GAPT_OSC_PORT is the bridge's UDP port, by default 9100. */

#include <arpa/inet.h>
#include <fcntl.h>
#include <lv2/atom/forge.h>
#include <lv2/atom/util.h>
#include <lv2/core/lv2.h>
#include <lv2/midi/midi.h>
#include <lv2/time/time.h>
#include <lv2/urid/urid.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLUGIN "https://gapt-bridge.example/lv2/gapt"
#define HELLO_SECONDS 1.0  /* so often until it is answered */
#define LOST_SECONDS 2.5   /* of silence, and the bridge is gone */
#define REPORT_SECONDS 0.05

enum { IN, OUT };

typedef struct {
  const LV2_Atom_Sequence *in;
  LV2_Atom_Sequence *out;
  LV2_Atom_Forge forge;
  LV2_URID midi, position, bar, bar_beat, beats_per_bar, beat_unit, bpm, speed;
  double rate;
  int wire; /* not connected: what the bridge says may come from another of its ports */
  struct sockaddr_in bridge;
  int heard;                                   /* whether the bridge is there */
  double unheard, unsaid, unreported;          /* seconds since it was heard, since our hello, since our last place */
  double beat, tempo, playing, numerator, denominator;
  unsigned char sounding[17][128];             /* by channel from 1, and pitch */
} Gapt;

/* Sends `address` with numbers; `types` holds an i or f for each, after a comma. */
static void say(const Gapt *g, const char *address, const char *types, ...) {
  unsigned char packet[128] = {0};
  size_t size = strlen(address) / 4 * 4 + 4;
  memcpy(packet, address, strlen(address));
  memcpy(packet + size, types, strlen(types));
  size += strlen(types) / 4 * 4 + 4;
  va_list numbers;
  va_start(numbers, types);
  for (const char *type = types + 1; *type; ++type, size += 4) {
    const double number = va_arg(numbers, double);
    const float real = (float)number;
    uint32_t word = (uint32_t)(int32_t)lrint(number);
    if (*type == 'f') memcpy(&word, &real, 4);
    word = htonl(word);
    memcpy(packet + size, &word, 4);
  }
  va_end(numbers);
  /* Lost where nobody listens, which is what the hello is for. */
  sendto(g->wire, packet, size, 0, (const struct sockaddr *)&g->bridge, sizeof g->bridge);
}

/* Plays a note at the first frame of this block; velocity 0 ends it. */
static void play(Gapt *g, unsigned pitch, unsigned velocity, unsigned channel) {
  if (pitch > 127 || velocity > 127 || channel < 1 || channel > 16) return;
  const uint8_t message[3] = {(uint8_t)((velocity ? 0x90 : 0x80) | (channel - 1)), (uint8_t)pitch, (uint8_t)velocity};
  g->sounding[channel][pitch] = velocity > 0;
  lv2_atom_forge_frame_time(&g->forge, 0);
  lv2_atom_forge_atom(&g->forge, sizeof message, g->midi);
  lv2_atom_forge_write(&g->forge, message, sizeof message);
}

static void silence(Gapt *g, unsigned channel) {
  for (unsigned pitch = 0; channel <= 16 && pitch < 128; ++pitch)
    if (g->sounding[channel][pitch]) play(g, pitch, 0, channel);
}

/* What the bridge says is one message a datagram, and of what is read here all arguments are whole numbers. */
static void hear(Gapt *g) {
  unsigned char packet[2048];
  ssize_t size;
  while ((size = recv(g->wire, packet, sizeof packet - 1, 0)) > 0) {
    packet[size] = 0;
    g->heard = 1;
    g->unheard = 0.0;
    const char *address = (const char *)packet;
    const size_t types = strlen(address) / 4 * 4 + 4;
    if (types >= (size_t)size) continue;
    size_t at = types + strlen(address + types) / 4 * 4 + 4;
    unsigned number[3] = {0};
    for (int i = 0; i < 3 && at + 4 <= (size_t)size; ++i, at += 4) {
      uint32_t word;
      memcpy(&word, packet + at, 4);
      number[i] = ntohl(word);
    }
    if (!strcmp(address, "/gapt/play") && !strncmp(address + types, ",iii", 4)) play(g, number[0], number[1], number[2]);
    if (!strcmp(address, "/gapt/silence") && !strncmp(address + types, ",i", 2)) silence(g, number[0]);
  }
}

static double real(const LV2_Atom *atom, const LV2_Atom_Forge *forge, double otherwise) {
  if (!atom) return otherwise;
  if (atom->type == forge->Float) return ((const LV2_Atom_Float *)atom)->body;
  if (atom->type == forge->Double) return ((const LV2_Atom_Double *)atom)->body;
  if (atom->type == forge->Long) return (double)((const LV2_Atom_Long *)atom)->body;
  return atom->type == forge->Int ? ((const LV2_Atom_Int *)atom)->body : otherwise;
}

/* Tells the place of the block's first frame. */
static void report(Gapt *g, double beat) {
  g->unreported = 0.0;
  say(g, "/gapt/host", ",ffiii", beat, g->tempo, g->playing, g->numerator, g->denominator);
}

/* The host says where it stands; what it does not say stays. */
static void stand(Gapt *g, const LV2_Atom_Object *object) {
  const LV2_Atom *bar = 0, *beat = 0, *per_bar = 0, *unit = 0, *bpm = 0, *speed = 0;
  lv2_atom_object_get(object, g->bar, &bar, g->bar_beat, &beat, g->beats_per_bar, &per_bar, g->beat_unit, &unit, g->bpm,
                      &bpm, g->speed, &speed, 0);
  g->numerator = real(per_bar, &g->forge, g->numerator);
  g->denominator = real(unit, &g->forge, g->denominator);
  const double quarters = 4.0 / g->denominator;
  if (bpm) g->tempo = real(bpm, &g->forge, 0.0) * quarters;
  if (bar && beat) g->beat = (real(bar, &g->forge, 0.0) * g->numerator + real(beat, &g->forge, 0.0)) * quarters;
  const double playing = real(speed, &g->forge, g->playing) != 0.0;
  if (playing != g->playing) g->unreported = REPORT_SECONDS;
  g->playing = playing;
}

static void note(Gapt *g, const uint8_t *message, uint32_t size, double beat) {
  const int status = size >= 3 ? message[0] & 0xF0 : 0;
  if (status != 0x90 && status != 0x80) return;
  const double velocity = status == 0x90 ? message[2] : 0.0;
  if (g->playing) say(g, "/gapt/note", ",iif", (double)message[1], velocity, beat);
  else say(g, "/gapt/note", ",ii", (double)message[1], velocity);
}

/* Keeps in touch with the bridge: a hello until it is heard, an end of all notes where it is heard no more. */
static void tend(Gapt *g, double seconds) {
  g->unheard += seconds;
  g->unsaid += seconds;
  if (g->heard && g->unheard > LOST_SECONDS) {
    g->heard = 0;
    for (unsigned channel = 1; channel <= 16; ++channel) silence(g, channel);
  }
  if (!g->heard && g->unsaid > HELLO_SECONDS) {
    g->unsaid = 0.0;
    say(g, "/gapt/hello", ",i", 1.0);
  }
}

static LV2_Handle instantiate(const LV2_Descriptor *d, double rate, const char *path, const LV2_Feature *const *features) {
  LV2_URID_Map *map = 0;
  for (; *features; ++features)
    if (!strcmp((*features)->URI, LV2_URID__map)) map = (LV2_URID_Map *)(*features)->data;
  const char *port = getenv("GAPT_OSC_PORT");
  Gapt *g = map ? calloc(1, sizeof *g) : 0;
  if (!g) return 0;
  g->bridge.sin_family = AF_INET;
  g->bridge.sin_port = htons((uint16_t)(port ? atoi(port) : 9100));
  g->bridge.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  g->wire = socket(AF_INET, SOCK_DGRAM, 0);
  if (g->wire < 0 || fcntl(g->wire, F_SETFL, O_NONBLOCK)) {
    free(g);
    return 0;
  }
  lv2_atom_forge_init(&g->forge, map);
  struct { LV2_URID *urid; const char *uri; } names[] = {
      {&g->midi, LV2_MIDI__MidiEvent},      {&g->position, LV2_TIME__Position},   {&g->bar, LV2_TIME__bar},
      {&g->bar_beat, LV2_TIME__barBeat},    {&g->beats_per_bar, LV2_TIME__beatsPerBar},
      {&g->beat_unit, LV2_TIME__beatUnit},  {&g->bpm, LV2_TIME__beatsPerMinute},  {&g->speed, LV2_TIME__speed}};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) *names[i].urid = map->map(map->handle, names[i].uri);
  g->rate = rate;
  g->tempo = 120.0;
  g->numerator = g->denominator = 4.0;
  g->unsaid = HELLO_SECONDS;
  return g;
}

static void connect_port(LV2_Handle handle, uint32_t port, void *data) {
  Gapt *g = handle;
  if (port == IN) g->in = data;
  else g->out = data;
}

static void run(LV2_Handle handle, uint32_t frames) {
  Gapt *g = handle;
  LV2_Atom_Forge_Frame frame;
  lv2_atom_forge_set_buffer(&g->forge, (uint8_t *)g->out, g->out->atom.size);
  lv2_atom_forge_sequence_head(&g->forge, &frame, 0);
  tend(g, frames / g->rate);
  hear(g);
  int64_t at = 0; /* g->beat is the place of this frame */
  LV2_ATOM_SEQUENCE_FOREACH(g->in, event) {
    g->beat += g->playing * g->tempo / 60.0 * (double)(event->time.frames - at) / g->rate;
    at = event->time.frames;
    if (event->body.type == g->midi) note(g, (const uint8_t *)(event + 1), event->body.size, g->beat);
    else if (lv2_atom_forge_is_object_type(&g->forge, event->body.type)) {
      const LV2_Atom_Object *object = (const LV2_Atom_Object *)&event->body;
      if (object->body.otype == g->position) stand(g, object);
    }
  }
  const double beats = g->playing * g->tempo / 60.0 / g->rate; /* a frame lasts */
  g->beat += beats * (double)(frames - at);
  g->unreported += frames / g->rate;
  if (g->unreported >= REPORT_SECONDS) report(g, g->beat - beats * frames);
  lv2_atom_forge_pop(&g->forge, &frame);
}

static void cleanup(LV2_Handle handle) {
  Gapt *g = handle;
  say(g, "/gapt/unsubscribe", ",");
  close(g->wire);
  free(g);
}

static const LV2_Descriptor descriptor = {PLUGIN, instantiate, connect_port, 0, run, 0, cleanup, 0};

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index) { return index ? 0 : &descriptor; }
