"""The files that tell containerd, the kubelet, kube-proxy and CoreDNS what to do. Paths are those inside the node."""

from collections.abc import Mapping
from typing import Any

from sandbox_kit.node.addresses import Seat
from sandbox_kit.node.init import DISK

SOCKET = "/run/containerd/containerd.sock"
DOMAIN = "cluster.local"
HEALTH = {"kubelet": 10248, "kube-proxy": 10256, "coredns": 8181}
ANYWHERE = "0.0.0.0/0"


def containerd(pause: str) -> str:
    """config.toml. Its state is lost with the node's processes, as by a power cut; images and volumes are not."""
    return f"""version = 3
root = "{DISK}/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{SOCKET}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "{pause}"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true  # in a container, root may not be allowed to protect a process
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ["/usr/lib/cni", "/opt/cni/bin"]
  conf_dir = "{DISK}/etc/cni"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false
"""


def network(seat: Seat) -> Mapping[str, Any]:
    """A pod has a wire of its own to the node, which routes: what a Service's rules changed on the way out, they
    change back on the way in, which a bridge may not let them."""
    ranges = [[{"subnet": str(seat.pods)}]]
    ipam = {"type": "host-local", "ranges": ranges, "routes": [{"dst": ANYWHERE}], "dataDir": f"{DISK}/addresses"}
    return {"cniVersion": "1.0.0", "name": "sandbox", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}]}


def kubelet(seat: Seat) -> Mapping[str, Any]:
    """KubeletConfiguration for a machine that is not the kubelet's alone: it sets up no cgroups but those of pods."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": seat.address,
        "healthzBindAddress": seat.address,
        "authentication": {
            "x509": {"clientCAFile": f"{DISK}/etc/ca.crt"},
            "webhook": {"enabled": True},
            "anonymous": {"enabled": False},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{DISK}/etc/node.crt",
        "tlsPrivateKeyFile": f"{DISK}/etc/node.key",
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        "featureGates": {"KubeletInUserNamespace": True},
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "clusterDNS": [seat.address],
        "clusterDomain": DOMAIN,
        "resolvConf": f"{DISK}/etc/resolv.conf",
        "podLogsDir": f"{DISK}/logs",
        "volumePluginDir": f"{DISK}/plugins",
        "registryPullQPS": 0,
        "eventRecordQPS": 0,
        "serializeImagePulls": False,
        "maxPods": 200,
    }


def proxy(seat: Seat) -> Mapping[str, Any]:
    """KubeProxyConfiguration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": str(seat.network.pods),
        "hostnameOverride": seat.name,
        "bindAddress": seat.address,
        "healthzBindAddress": f"{seat.address}:{HEALTH['kube-proxy']}",
        "metricsBindAddress": f"{seat.address}:10249",
        "clientConnection": {"kubeconfig": f"{DISK}/etc/proxy.kubeconfig"},
        "conntrack": {"maxPerCore": 0},
    }


def corefile(seat: Seat) -> str:
    """There is no way out of a node, so no other name exists: saying so at once is better than a silence."""
    return f"""{DOMAIN}:53 in-addr.arpa:53 {{
    bind {seat.address}
    errors
    ready {seat.address}:{HEALTH["coredns"]}
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {DISK}/etc/coredns.kubeconfig
        pods insecure
        ttl 1
    }}
}}
.:53 {{
    bind {seat.address}
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def resolver(seat: Seat) -> str:
    """resolv.conf, for whoever is moved into the node's namespaces."""
    return f"nameserver {seat.address}\noptions ndots:5 timeout:2\n"
