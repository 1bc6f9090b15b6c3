"""The real parts themselves: they answer, and they end with their caller."""

import json

from tests.support import eventually

from sandbox_kit.control_plane import ControlPlane


def test_the_control_plane_makes_service_accounts_and_ends_namespaces(
    control_plane: ControlPlane, namespace: str
) -> None:
    accounts = ("get", "serviceaccounts", "-n", namespace, "-o", "name")
    eventually(lambda: "serviceaccount/default" in control_plane.run_kubectl(*accounts))
    control_plane.run_kubectl("delete", "namespace", namespace, "--timeout=30s")
    control_plane.run_kubectl("create", "namespace", namespace)


def test_a_kubeconfig_for_a_user_has_that_users_rights_only(control_plane: ControlPlane) -> None:
    path = control_plane.kubeconfig_for("jane", "readers")
    review = json.loads(
        control_plane.run_kubectl("auth", "whoami", f"--kubeconfig={path}", "-o", "json"),
    )
    assert review["status"]["userInfo"]["username"] == "jane"
    assert "readers" in review["status"]["userInfo"]["groups"]
