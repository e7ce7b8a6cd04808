ardour {
	["type"] = "EditorHook",
	name = "GAPT transport",
	license = "MIT",
	author = "The GAPT Bridge authors",
	description = [[Tells GAPT Bridge ten times a second where the song stands:
place, tempo, metre, and whether it plays.]]
}

function signals ()
	return LuaSignal.Set ():add ({[LuaSignal.LuaTimerDS] = true})
end

-- Ardour keeps no more than this function: all that it needs is inside.
function factory (params)
	local p = params or {}
	local bridge = ARDOUR.LuaOSC.Address ("osc.udp://127.0.0.1:" .. (p["port"] or "9100"))
	local ticks_per_quarter = 1920
	return function (signal, ref, ...)
		if not Session then
			return
		end
		local place = Temporal.timepos_t (Session:transport_sample ())
		local map = Temporal.TempoMap.read ()
		local metre = map:meter_at (place)
		bridge:send ("/gapt/host", "ffiii",
			place:ticks () / ticks_per_quarter,
			map:quarters_per_minute_at (place),
			Session:transport_rolling () and 1 or 0,
			math.floor (metre:divisions_per_bar ()),
			metre:note_value ())
	end
end
