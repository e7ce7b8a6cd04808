"""Hosts the policy as a plug-in process: load, plan, watch, restart. The bridge talks to it and never imports torch."""
