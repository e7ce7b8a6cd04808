-- GAPT insert track: joins the selected track to GAPT Bridge, and inserts below it a track that plays the chords.
--
-- The melody is what is played on the selected track, or on a new one where none is selected: its MIDI goes out to the
-- bridge's port. The chords come in from the bridge's other port, on an armed and monitored track of their own. They
-- are two tracks, for on one the chords would go back to the bridge as melody. Doing it twice adds nothing.
--
-- Load it by Actions > Show action list > New action > Load ReaScript.

local TITLE = "GAPT Bridge"
local CHORDS = "GAPT chords"
local TO_BRIDGE, FROM_BRIDGE = "GAPT Bridge in", "GAPT Bridge out"
local EFFECT = "JS:GAPT Bridge/GAPT.jsfx"

-- REAPER's own numbers: a MIDI input is 4096 + device * 32 + channel (0 all), a MIDI output device * 32 + channel.
local MIDI, ALL_DEVICES, KEYBOARD_ON_SCREEN, PER_DEVICE = 4096, 63, 62, 32
local NORMAL_MONITORING, RECORD_INPUT = 1, 0
local CURRENT_PROJECT, TRACK_STATE = 0, 1

-- The number of the device whose name contains `part`, whatever its letters' case; nil where none does.
local function device(count, name_of, part)
  for index = 0, count - 1 do
    local there, name = name_of(index, "")
    if there and name:lower():find(part:lower(), 1, true) then
      return index
    end
  end
  return nil
end

local function ports(to_bridge, from_bridge)
  return device(reaper.GetNumMIDIOutputs(), reaper.GetMIDIOutputName, to_bridge),
    device(reaper.GetNumMIDIInputs(), reaper.GetMIDIInputName, from_bridge)
end

-- Both ports' numbers, asked for by name where they are called otherwise; nil where nobody knows.
local function wanted_ports()
  local output, input = ports(TO_BRIDGE, FROM_BRIDGE)
  if output and input then
    return output, input
  end
  local answered, names = reaper.GetUserInputs(
    TITLE .. ": which ports?", 2, "To the bridge,From the bridge,extrawidth=120", TO_BRIDGE .. "," .. FROM_BRIDGE)
  if not answered then
    return nil
  end
  local first, second = names:match("^%s*(.-)%s*,%s*(.-)%s*$")
  if first == nil or first == "" or second == "" then
    return nil
  end
  output, input = ports(first, second)
  if output and input then
    return output, input
  end
  reaper.ShowMessageBox(
    "REAPER knows no port “" .. (output and second or first) .. "”.\n\nStart gapt jam, then enable both ports in "
      .. "Preferences > Audio > MIDI Inputs and MIDI Outputs, and run this again. Nothing was changed.", TITLE, 0)
  return nil
end

-- An input for a new melody track: the first MIDI device that is not the bridge, or the keyboard on the screen.
local function keyboard(bridge)
  for index = 0, reaper.GetNumMIDIInputs() - 1 do
    local there = reaper.GetMIDIInputName(index, "")
    if there and index ~= bridge then
      return index
    end
  end
  return KEYBOARD_ON_SCREEN
end

local function listen(track, index)
  reaper.SetMediaTrackInfo_Value(track, "I_RECINPUT", MIDI + index * PER_DEVICE)
  reaper.SetMediaTrackInfo_Value(track, "I_RECMODE", RECORD_INPUT)
  reaper.SetMediaTrackInfo_Value(track, "I_RECMON", NORMAL_MONITORING)
  reaper.SetMediaTrackInfo_Value(track, "I_RECARM", 1)
end

local function insert(place, name)
  reaper.InsertTrackAtIndex(place, true)
  local track = reaper.GetTrack(CURRENT_PROJECT, place)
  reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name, true)
  return track
end

local function name_of(track)
  local _, name = reaper.GetTrackName(track)
  return name
end

-- The first track of which `is` says yes; nil where there is none.
local function first(is)
  for index = 0, reaper.CountTracks(CURRENT_PROJECT) - 1 do
    local track = reaper.GetTrack(CURRENT_PROJECT, index)
    if is(track) then
      return track
    end
  end
  return nil
end

-- The track that the melody is played on, and the place below it: the selected one, or one that goes to the bridge
-- already, or a new one.
local function melody(output, input)
  local track = reaper.GetSelectedTrack(CURRENT_PROJECT, 0) or first(function(one)
    return math.floor(reaper.GetMediaTrackInfo_Value(one, "I_MIDIHWOUT")) // PER_DEVICE == output
  end)
  if track then
    return track, math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER"))
  end
  local place = reaper.CountTracks(CURRENT_PROJECT)
  track = insert(place, "Melody")
  listen(track, keyboard(input))
  return track, place + 1
end

-- Whether a track records whatever any MIDI device sends, the bridge's chords among it.
local function hears_all(track)
  local input = math.floor(reaper.GetMediaTrackInfo_Value(track, "I_RECINPUT"))
  return input >= MIDI and (input - MIDI) // PER_DEVICE == ALL_DEVICES
end

local function main()
  local selected = reaper.GetSelectedTrack(CURRENT_PROJECT, 0)
  if selected and name_of(selected) == CHORDS then
    reaper.ShowMessageBox(
      "“" .. CHORDS .. "” is the track for the chords: select the one that you play, or none, and run this again. "
        .. "Nothing was changed.", TITLE, 0)
    return
  end
  local output, input = wanted_ports()
  if not output then
    return
  end
  reaper.Undo_BeginBlock()
  reaper.PreventUIRefresh(1)
  local played, below = melody(output, input)
  reaper.SetMediaTrackInfo_Value(played, "I_MIDIHWOUT", output * PER_DEVICE)
  local before = first(function(one) return name_of(one) == CHORDS end)
  local chords = before or insert(below, CHORDS)
  listen(chords, input)
  local marked = reaper.TrackFX_AddByName(chords, EFFECT, false, 1) >= 0
  reaper.PreventUIRefresh(-1)
  reaper.TrackList_AdjustWindows(false)
  reaper.Undo_EndBlock("Insert a track for GAPT Bridge's chords", TRACK_STATE)

  local words = before and "The chords come on the track “" .. CHORDS .. "”, which was there already."
    or "The chords come on the new track “" .. CHORDS .. "”: give it an instrument."
  if hears_all(played) then
    words = words .. "\n\nThe melody's track hears all MIDI inputs, the chords among them: choose your keyboard there."
  end
  if not marked then
    words = words .. "\n\nThe effect GAPT.jsfx is not installed; it is not needed."
  end
  reaper.ShowMessageBox(words, TITLE, 0)
end

main()
