"""A Kubernetes node on this machine: containers, pods, Services, DNS, volumes, and the images that run there.

Linux and root only. All of it lives in namespaces of its own, which the kernel ends with us: of network, of mounts,
and of processes.
"""
