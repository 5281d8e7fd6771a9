"""The site: settings, URL root and sign-in of the replication dashboard."""

__version__ = "0.1.0"
