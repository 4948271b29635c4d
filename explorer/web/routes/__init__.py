"""JSON routes between the page's scripts and the services, one module per subject."""
