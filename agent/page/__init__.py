"""The pages that people look at, one a file; `ui.mount` puts them on the app."""
