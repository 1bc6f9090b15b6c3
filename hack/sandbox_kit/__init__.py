"""Real parts for tests, the demo and people: Kubernetes, Glance, Keystone and a faulty source server, all on loopback.

Each part is a class with `start`, `ready` and `stop`; every wait is bounded, every port is a free one, and nothing
outlives the process that started it (see `leash`).
"""
