"""What benches are made with: servers, HTTP clients, processes of load, figures, tables and plots."""
