ardour {
	["type"] = "EditorAction",
	name = "GAPT tracks",
	license = "MIT",
	author = "The GAPT Bridge authors",
	description = [[Joins the melody's track to GAPT Bridge, and adds a track with a synthesizer
that plays the chords that come back.]]
}

function action_params ()
	return {
		["to"] = { title = "Port to the bridge", default = "GAPT Bridge in" },
		["from"] = { title = "Port from the bridge", default = "GAPT Bridge out" },
		["melody"] = { title = "The melody's track", default = "Melody" },
		["chords"] = { title = "The chords' track", default = "GAPT chords" },
	}
end

-- Ardour keeps no more than this function: all that it needs is inside.
function factory (params) return function ()
	local p = params or {}
	local to, from = p["to"] or "GAPT Bridge in", p["from"] or "GAPT Bridge out"
	local engine, midi = Session:engine (), ARDOUR.DataType ("midi")
	local ungrouped = PBD.GroupControlDisposition.NoGroup

	local function say (words)
		if LuaDialog then
			LuaDialog.Message ("GAPT Bridge", words, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run ()
		else
			print (words)
		end
	end

	-- Full name of the first port whose name, or name for people, contains `name`. What others send is the engine's output.
	local function port (name, flags)
		local _, found = engine:get_backend_ports ("", midi, flags, C.StringVector ())
		for full in found[4]:iter () do
			if full:find (name, 1, true) or engine:get_pretty_name_by_name (full):find (name, 1, true) then
				return full
			end
		end
		return nil
	end

	local target, source = port (to, ARDOUR.PortFlags.IsInput), port (from, ARDOUR.PortFlags.IsOutput)
	if not target or not source then
		say ("There is no port “" .. (target and from or to) .. "”: start gapt jam under the same system as Ardour, "
			.. "JACK or ALSA (“gapt ports” says which), and do this again. Nothing was changed.")
		return
	end

	-- A new MIDI track; with a synthesizer its output is sound.
	local function add (name, instrument, outputs)
		return Session:new_midi_track (ARDOUR.ChanCount (midi, 1), outputs, true, instrument, nil, nil, 1, name,
			ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal, true):front ()
	end

	local function sends_midi (route)
		return not route:isnil () and route:output ():n_ports ():n_midi () > 0
	end

	-- The track of that name, or the first selected one that sends MIDI, or a new one.
	local function melody (name)
		local named = Session:route_by_name (name)
		if sends_midi (named) then
			return named
		end
		if Editor then
			for route in Editor:get_selection ().tracks:routelist ():iter () do
				if sends_midi (route) then
					return route
				end
			end
		end
		return add (name, ARDOUR.PluginInfo (), ARDOUR.ChanCount (midi, 1))
	end

	local played = melody (p["melody"] or "Melody")
	local out = played:output ():midi (0)
	if not out:connected_to (target) then
		out:connect (target)
	end

	local name = p["chords"] or "GAPT chords"
	local chords = Session:route_by_name (name)
	if chords:isnil () then
		local synthesizer = ARDOUR.LuaAPI.new_plugin_info ("urn:ardour:a-fluidsynth", ARDOUR.PluginType.LV2)
		if synthesizer:isnil () then
			chords = add (name, ARDOUR.PluginInfo (), ARDOUR.ChanCount (midi, 1))
		else
			chords = add (name, synthesizer, ARDOUR.ChanCount (ARDOUR.DataType ("audio"), 2))
		end
	end
	local input = chords:input ():midi (0)
	if not input:connected_to (source) then
		-- Whatever else plays into it would be taken for chords.
		input:disconnect_all ()
		input:connect (source)
	end
	local track = chords:to_track ()
	track:rec_enable_control ():set_value (1, ungrouped)
	track:monitoring_control ():set_value (ARDOUR.MonitorChoice.MonitorInput, ungrouped)
	say ("“" .. played:name () .. "” goes to the bridge, and the chords come on “" .. chords:name () .. "”.")
end end
