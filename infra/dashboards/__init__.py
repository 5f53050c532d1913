"""The catalogue's dashboards without Grafana: asked of the live Prometheus, drawn as pictures."""
