"""Run OpenStack Glance on Kubernetes and keep its images as custom resources."""

__version__ = "0.1.0"
