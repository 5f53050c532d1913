"""Alerts as data, one file for each part of a stack; infra/monitoring/catalogue.py puts them together."""
