"""The tools of the benches: servers, HTTP clients, load processes, figures, tables and plots."""
