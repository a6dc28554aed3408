# What `nix flake check` runs.
#
# Written against NixOS and evaluated as far as that goes without nixpkgs's packages (checks/evaluate); the VM tests need a
# machine with KVM and a binary cache, and have not been run where they were written.
{
  nixpkgs,
  pkgs,
  self,
}:
let
  inherit (pkgs) lib;
  packages = self.packages.${pkgs.stdenv.hostPlatform.system};
  vmTest = file: pkgs.testers.runNixOSTest (import file { inherit nixpkgs self; });
  run =
    name: inputs: script:
    pkgs.runCommand "nixfleet-${name}" { nativeBuildInputs = inputs; } ''
      ${script}
      touch $out
    '';
in
{
  inherit (packages)
    nixfleet-agent
    nixfleet-exporter
    nixfleet-dashboards
    nixfleet-rules
    ;

  format = run "format" [ pkgs.nixfmt ] ''
    find ${self} -name '*.nix' -print0 | xargs --null nixfmt --check
  '';

  lints = run "lints" [ pkgs.deadnix ] ''
    deadnix --fail ${self}
  '';

  rules = run "rules" [ pkgs.prometheus.cli ] ''
    promtool check rules ${packages.nixfleet-rules}/*.yaml
    promtool test rules ${self}/tests/monitoring/*_test.yaml
  '';

  module = import ./module.nix {
    inherit
      lib
      nixpkgs
      pkgs
      self
      ;
  };

  weekly-update = vmTest ./vm/weekly-update.nix;
  fleet = vmTest ./vm/fleet.nix;
  agent-replacement = vmTest ./vm/agent-replacement.nix;
}
