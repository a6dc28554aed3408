# The host's proxy, for what reaches out over https: the look at the remote, the pull, and the evaluation, which fetches the
# flake's inputs. Units of systemd have nothing of the environment that NixOS gives to shells and to nix-daemon.service.
{ config, lib, ... }:
let
  reachOut = [
    "nixfleet-agent"
    "nixfleet-pull"
    "nixfleet-switch"
  ];
in
{
  config = lib.mkIf config.services.nixfleet.enable {
    systemd.services = lib.genAttrs reachOut (_: {
      environment = lib.mapAttrs (_: lib.mkDefault) config.networking.proxy.envVars;
    });
  };
}
