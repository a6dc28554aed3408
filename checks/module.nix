# The module on hosts with all of nixpkgs: the same hosts, refusals and expected configurations as in checks/evaluation.
{
  lib,
  nixpkgs,
  pkgs,
  self,
}:
let
  evaluate =
    modules:
    nixpkgs.lib.nixosSystem {
      modules = [
        self.nixosModules.default
        {
          nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
          system.stateVersion = lib.trivial.release;
          boot.isContainer = true;
        }
      ]
      ++ modules;
    };
  refusals = import ./evaluation/refusals.nix { inherit lib evaluate; };
  isSaid = { says, found }: lib.all (words: lib.any (lib.hasInfix words) found) says;
  unsaid = lib.attrNames (
    lib.filterAttrs (_: result: !isSaid result) (refusals.refused // refusals.warned)
  );
  hosts = lib.genAttrs [ "small" "full" "checkout-of-a-user" "through-github" ] (
    name: evaluate [ (./evaluation/hosts + "/${name}.nix") ]
  );
  compare = name: host: ''
    sed --regexp-extended 's#\b[0-9a-df-np-sv-z]{32}-##g' ${
      host.config.environment.etc."nixfleet/config.json".source
    } | jq --sort-keys . | diff --unified ${./evaluation/golden}/${name}/config.json -
    # The whole of it can be evaluated, and every unit of nixfleet be built.
    : ${builtins.unsafeDiscardStringContext host.config.system.build.toplevel.drvPath}
    ls ${host.config.systemd.units."nixfleet-agent.service".unit}
  '';
in
assert lib.assertMsg (
  unsaid == [ ]
) "not refused, or not with the expected words: ${lib.concatStringsSep ", " unsaid}";
pkgs.runCommand "nixfleet-module" { nativeBuildInputs = [ pkgs.jq ]; } ''
  ${lib.concatStrings (lib.mapAttrsToList compare hosts)}
  touch $out
''
