# Where another user than nixfleet pulls and builds, the state directory is for the whole group nixfleet, which that user's
# units have as a supplementary group. It is never given to that user, as StateDirectory= of a unit would do.
{ config, lib, ... }:
let
  cfg = config.services.nixfleet;
  isShared = cfg.repository.user != null && cfg.repository.user != "nixfleet";
  mode = "2775";
  isRule = line: line != "" && !lib.hasPrefix "#" line;
  file =
    if isShared then
      ../system/user-repository/nixfleet.tmpfiles.conf
    else
      ../system/nixfleet.tmpfiles.conf;
in
{
  config = lib.mkIf cfg.enable {
    systemd = {
      tmpfiles.rules = lib.filter isRule (lib.splitString "\n" (builtins.readFile file));
      # Every unit that names these directories sets their mode.
      services = lib.mkIf isShared {
        nixfleet-agent.serviceConfig = {
          StateDirectoryMode = mode;
          RuntimeDirectoryMode = mode;
        };
        nixfleet-pull.serviceConfig = {
          StateDirectoryMode = mode;
          RuntimeDirectoryMode = mode;
        };
        nixfleet-switch.serviceConfig.StateDirectoryMode = mode;
        nixfleet-test.serviceConfig.StateDirectoryMode = mode;
      };
    };
  };
}
