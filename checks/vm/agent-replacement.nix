# A switch that brings another agent: the running one finishes the switch, ends, and the new one is started.
{ nixpkgs, self }:
{ nodes, pkgs, ... }:
let
  repository = import ./configuration-repository.nix { inherit nixpkgs self pkgs; };
  # Another path, the same programs.
  change = ''
    { lib, pkgs, ... }@arguments: {
      services.nixfleet.package = lib.mkForce (pkgs.runCommand "another-agent" { } "cp --recursive ''${arguments.self.inputs.nixfleet.packages.''${pkgs.stdenv.hostPlatform.system}.nixfleet-agent} $out");
    }
  '';
in
repository.test {
  inherit nodes;
  name = "nixfleet-agent-replacement";

  script = ''
    wait_for_state(web1, "system", "ok")
    before = web1.succeed("systemctl show --value --property MainPID nixfleet-agent").strip()

    commit(web1, """${change}""", "another agent")
    web1.wait_until_succeeds("systemctl show --property ExecStart nixfleet-agent | grep another-agent", timeout=900)
    web1.wait_until_succeeds("readlink /proc/$(systemctl show --value --property MainPID nixfleet-agent)/exe | grep another-agent")
    assert before != web1.succeed("systemctl show --value --property MainPID nixfleet-agent").strip()
    # The switch that brought it is told as a success, and no unit failed on the way.
    wait_for_state(web1, "system", "ok")
    wait_for_state(web1, "agent", "ok")
    assert web1.succeed("systemctl list-units --failed --plain --no-legend 'nixfleet-*'").strip() == ""
    web1.succeed("jq --slurp --exit-status 'map(select(.event == \"ended\" and .operation == \"switch\")) | last | .result == \"success\"' /var/lib/nixfleet/journal.jsonl")
  '';
}
