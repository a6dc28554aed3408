# Where another user than nixfleet runs an operation, the state directory is for the whole group nixfleet, which that user's
# units have as a supplementary group. It is never given to that user, as StateDirectory= of a unit would do.
{ config, lib, ... }:
let
  cfg = config.services.nixfleet;
  isOther = user: user != null && user != "nixfleet";
  isShared = isOther cfg.repository.user || isOther cfg.tests.user;
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
