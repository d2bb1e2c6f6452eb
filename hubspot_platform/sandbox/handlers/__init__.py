"""The HubSpot endpoints the sandbox serves; `endpoints.ROUTES` lists them all."""
