# One host through a weekly update: a commit is pushed, pulled, built, activated and tested; a bad one is rolled back and held.
{ nixpkgs, self }:
{ nodes, pkgs, ... }:
let
  repository = import ./configuration-repository.nix { inherit nixpkgs self pkgs; };
in
repository.test {
  inherit nodes;
  name = "nixfleet-weekly-update";

  script = ''
    web1.wait_for_unit("nixfleet-exporter.socket")

    with subtest("the first commit arrives"):
        for compartment in ["git", "lock", "system", "tests"]:
            wait_for_state(web1, compartment, "ok")
        revision = web1.succeed("git -C /root/fleet rev-parse HEAD").strip()
        assert revision in web1.succeed("nixos-version --json")

    with subtest("a commit is deployed and tested"):
        revision = commit(web1, '{ environment.etc."greeting".text = "hello\\n"; }', "greet")
        web1.wait_until_succeeds("grep hello /etc/greeting", timeout=900)
        wait_for_state(web1, "system", "ok")
        wait_for_state(web1, "tests", "ok")
        assert revision in web1.succeed("nixos-version --json")

    with subtest("what fails its tests is rolled back and held"):
        web1.succeed("printf '#!/bin/sh\\n! test -e /etc/bad\\n' >/root/fleet/hosts/web1/tests/not-bad")
        web1.succeed("cd /root/fleet && chmod +x hosts/web1/tests/not-bad && git add --all")
        commit(web1, '{ environment.etc."bad".text = ""; }', "bad")
        web1.wait_until_succeeds("nixfleet status --json | grep --ignore-case held", timeout=900)
        web1.fail("test -e /etc/bad")

    with subtest("the metrics tell the same"):
        metrics = web1.succeed("curl --fail --silent localhost:19931/metrics")
        assert "nixfleet_system_rollback_held 1" in metrics
        assert 'nixfleet_compartment_state{compartment="agent",state="ok"} 1' in metrics

    with subtest("least privilege"):
        web1.succeed("test $(stat --format %U /var/lib/nixfleet/repo) = nixfleet")
        web1.fail("sudo --user nixfleet systemctl --no-ask-password stop sshd.service nixfleet-agent.service")
        for unit, most in [("agent", 2.0), ("exporter", 2.0), ("pull", 3.0)]:
            report = web1.succeed(f"systemd-analyze security --no-pager nixfleet-{unit}.service | tail --lines 1")
            level = next(float(word) for word in report.split() if word.replace(".", "").isdigit())
            assert level <= most, report
  '';
}
