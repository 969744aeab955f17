"""What tests of more than one folder work with: servers, clients, brokers, ports, and how a run is shared out.

Nothing here is a test, and nothing here is shipped.
"""
