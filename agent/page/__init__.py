"""The pages that people look at, one a file; `ui.mount` puts them on the app."""

from typing import Any

SERVED: dict[str, Any] = {
    "allowed_paths": [],
    "show_error": False,
    "footer_links": [],
    "run_history": False,
    "enable_monitoring": False,
    "ssr_mode": False,
    "mcp_server": False,
}
"""How Gradio serves every page: no file of this machine, no trace of a fault, nothing besides."""
